#include "message.hpp"
#include "pair.hpp"

namespace quorate::lockmgr {
namespace {

using enum LockMode;

// What the victim of a deadlock is told is the cycle of the operation that it ends.
class Verdict : public testing::Pair {
protected:
    Verdict() {
        view(1, {1, 2});
        second.open(1);
        first.give(ClientOpened{ClientId(1), 1001, 0, {}, 0});
        first.give(ClientOpened{ClientId(2), 1002, 0, {}, 5});
        exchange();
        // The second node masters both.
        for (const auto* root : {"r", "s"}) {
            second.lock(1, root, NL);
            exchange();
        }
    }
    LockId granted(std::uint32_t client, std::string_view root, LockMode mode) {
        auto lock = first.lock(client, root, mode).lock;
        pump();
        return lock;
    }
    // As exchange(), until the first node wants an operation of `stop` to be ended as a victim's.
    bool pump(LockId stop = LockId(0)) {
        bool asked = false;
        for (bool said = true; said;) {
            said = false;
            for (const auto& output : first.taken()) {
                if (const auto* send = std::get_if<Send>(&output)) {
                    asked = asked || ends(send->bytes, stop);
                    second.give(Received{NodeId(1), send->bytes});
                    said = true;
                } else if (const auto* done = std::get_if<Completion>(&output)) {
                    completions.push_back(*done);
                }
            }
            if (asked) {
                return true;  // and what the master says to that does not arrive
            }
            for (const auto& output : second.taken()) {
                if (const auto* send = std::get_if<Send>(&output)) {
                    count(send->bytes);
                    first.give(Received{NodeId(2), send->bytes});
                    said = true;
                }
            }
        }
        return false;
    }
    void count(const std::string& bytes) {
        const auto packet = decode_packet(bytes);
        if (const auto* batch = std::get_if<Batch>(&packet->content)) {
            received = batch->first + batch->items.size() - 1;
        }
    }
    bool ends(const std::string& bytes, LockId lock) {
        const auto packet = decode_packet(bytes);
        const auto* batch = std::get_if<Batch>(&packet->content);
        for (const auto& item : batch != nullptr ? batch->items : std::vector<Batch::Item>()) {
            const auto message = decode_message(item.body);
            const auto* cancel = std::get_if<CancelMessage>(&*message);
            if (cancel != nullptr && cancel->lock == lock &&
                cancel->status == LockStatus::kDeadlock) {
                op = cancel->op;
                return true;
            }
        }
        return false;
    }
    // The master says this instead.
    void says(const Message& message) {
        const auto body = encode(message);
        Batch batch;
        batch.first = ++received;
        batch.items.push_back({0, body});
        first.give(Received{NodeId(2), encode(Packet{cluster::Epoch(1), std::move(batch)})});
    }

    std::uint64_t received = 0;
    std::uint32_t op = 0;
    std::vector<Completion> completions;
};

TEST_F(Verdict, IsNotOfAnOperationThatWasAskedAnew) {
    const auto mine = granted(1, "r", CR);
    const auto others = granted(2, "r", PR);
    granted(1, "s", EX);
    const auto victim = first.convert(1, mine, EX).lock;
    ASSERT_EQ(victim, mine);
    pump();
    first.lock(2, "s", EX);
    bool asked = false;
    for (int round = 0; round < 20 && !asked; ++round) {
        first.pass(std::chrono::milliseconds(60));
        asked = pump(victim);
    }
    ASSERT_TRUE(asked);
    // A master that the tree came to meanwhile has refused it before, and does not know how.
    GrantedMessage again;
    again.lock = victim;
    again.op = op;
    again.mode = CR;
    again.token = 7;
    says(again);
    // Asked anew, it waits for another conversion, which waits for it.
    const RefusedMessage::Opponent opponent{NodeId(2), LockId(77), 4711, 0, PW};
    first.taken();
    says(RefusedMessage{victim, op + 1, LockStatus::kDeadlock, {opponent}, CR});
    const auto done = first.seen<Completion>();
    ASSERT_EQ(done.size(), 1U);
    EXPECT_EQ(done[0].status, LockStatus::kDeadlock);
    EXPECT_EQ(done[0].mode, CR);
    EXPECT_EQ(done[0].token, Token(7)) << "of what it holds";
    ASSERT_EQ(done[0].cycle.size(), 2U);
    EXPECT_EQ(done[0].cycle[1].lock, LockId(77));
    EXPECT_NE(done[0].cycle[0].blocker, others);
}

}  // namespace
}  // namespace quorate::lockmgr
