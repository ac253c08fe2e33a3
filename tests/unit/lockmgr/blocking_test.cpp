#include "pair.hpp"

namespace quorate::lockmgr {
namespace {

using enum LockMode;
using enum LockStatus;
using testing::Node;
constexpr LockMode kAll[] = {NL, CR, CW, PR, PW, EX};

// dlm.md 2.7: who is told that it stands in the way, when, and how often.
class Blocking : public testing::OneNode {
protected:
    LockId holder(std::uint32_t client, std::string_view name, LockMode mode) {
        return node.lock(client, name, mode, flag::BLOCKING).lock;
    }
    std::vector<LockMode> told(LockId lock) const {
        std::vector<LockMode> modes;
        for (const auto& event : node.seen<BlockingEvent>()) {
            if (event.lock == lock) {
                modes.push_back(event.mode);
            }
        }
        return modes;
    }
};
using Modes = std::vector<LockMode>;

TEST_F(Blocking, AHolderIsToldOfARequestThatItsModeForbids) {
    for (const auto held : kAll) {
        for (const auto requested : kAll) {
            const auto name = std::string(name_of(held)) + std::string(name_of(requested));
            const auto lock = holder(1, name, held);
            node.lock(2, name, requested);
            EXPECT_EQ(told(lock), compatible(requested, held) ? Modes{} : Modes{requested}) << name;
        }
    }
}

TEST_F(Blocking, OfAConversionToo) {
    const auto lock = holder(1, "r", PR);
    const auto other = node.lock(2, "r", CR);
    node.convert(2, other.lock, EX);
    EXPECT_EQ(told(lock), Modes{EX});
}

TEST_F(Blocking, NobodyIsToldWithoutHavingAsked) {
    const auto lock = node.lock(1, "r", EX);
    node.lock(2, "r", EX);
    EXPECT_EQ(told(lock.lock), Modes{});
}

TEST_F(Blocking, OncePerMoreSevereMode) {
    const auto lock = holder(1, "r", EX);
    for (const auto mode : {CR, CR, PR, CR, EX, EX}) {
        node.lock(2, "r", mode);
    }
    EXPECT_EQ(told(lock), (Modes{CR, PR, EX}));
}

TEST_F(Blocking, PrAgainstCwEveryTimeUnlessExWasTold) {
    const auto lock = holder(1, "r", PR);
    for (const auto mode : {CW, CW, EX, CW}) {
        node.lock(2, "r", mode);
    }
    EXPECT_EQ(told(lock), (Modes{CW, CW, EX}));
}

TEST_F(Blocking, AnewAfterEveryGrant) {
    const auto lock = holder(1, "r", PR);
    node.lock(2, "r", EX);
    node.convert(1, lock, PR, flag::BLOCKING);
    EXPECT_EQ(told(lock), (Modes{EX, EX}));
}

TEST_F(Blocking, AFailedNoqueueTellsOnlyWithNoqueuebast) {
    const auto lock = holder(1, "r", EX);
    node.lock(2, "r", EX, flag::NOQUEUE);
    EXPECT_EQ(told(lock), Modes{});
    node.lock(2, "r", EX, flag::NOQUEUE | flag::NOQUEUEBAST);
    EXPECT_EQ(told(lock), Modes{EX});
}

TEST_F(Blocking, WhoseConversionIsRefusedHearsOfTheNext) {
    const auto lock = holder(1, "r", PR);
    node.lock(2, "r", PR);
    node.convert(1, lock, EX, flag::BLOCKING | flag::NOQUEUE | flag::NOQUEUEBAST);
    EXPECT_EQ(told(lock), Modes{});
    node.lock(3, "r", EX);
    EXPECT_EQ(told(lock), Modes{EX});
}

TEST_F(Blocking, WhoIsGrantedIntoTheWayLearnsItAfterItsGrant) {
    const auto first = node.lock(1, "r", EX);
    const auto second = holder(2, "r", EX);
    node.lock(3, "r", EX);
    node.taken();
    node.unlock(1, first.lock);
    const auto outputs = node.taken();
    std::vector<int> order;
    for (const auto& output : outputs) {
        if (const auto* done = std::get_if<Completion>(&output); done && done->lock == second) {
            order.push_back(1);
        } else if (const auto* event = std::get_if<BlockingEvent>(&output)) {
            EXPECT_EQ(event->lock, second);
            EXPECT_EQ(event->pid, 1003U) << "who waits";
            order.push_back(2);
        }
    }
    EXPECT_EQ(order, (std::vector{1, 2}));
}

TEST_F(Blocking, ALockThatConvertsIsNotTold) {
    const auto lock = holder(1, "r", PR);
    node.lock(2, "r", PR);
    node.convert(1, lock, EX, flag::BLOCKING);
    node.lock(3, "r", EX);
    EXPECT_EQ(told(lock), Modes{});
}

// Linux dlm_may_skip_callback: an event on its way to another node, whose lock gave way meanwhile.
class BlockingAfar : public testing::Pair {
protected:
    BlockingAfar() {
        view(1, {1, 2});
        first.open(1);
        second.open(1);
        settle();
        first.lock(1, "r", NL);  // the master
        settle();
        second.lock(1, "r", EX, flag::BLOCKING);
        while (lock == LockId(0)) {
            relay(second, first, 2);
            for (const auto& output : relay(first, second, 1)) {
                if (const auto* done = std::get_if<Completion>(&output)) {
                    lock = done->lock;
                }
            }
            for (const auto& done : second.seen<Completion>()) {
                lock = done.lock;
            }
        }
        settle();
    }
    static std::vector<LockOutput> relay(Node& from, Node& to, std::uint32_t number) {
        auto outputs = from.taken();
        for (const auto& output : outputs) {
            if (const auto* send = std::get_if<Send>(&output)) {
                to.give(Received{NodeId(number), send->bytes});
            }
        }
        return outputs;
    }
    // First asks for `asked`; before second hears of it, it converts to `kept`.
    std::size_t told(LockMode asked, LockMode kept) {
        first.lock(1, "r", asked);
        const auto under_way = first.taken();
        second.convert(1, lock, kept, flag::BLOCKING);
        std::size_t events = 0;
        for (const auto& output : under_way) {
            if (const auto* send = std::get_if<Send>(&output)) {
                second.give(Received{NodeId(1), send->bytes});
            }
        }
        events = second.seen<BlockingEvent>().size();
        settle();
        return events;
    }
    LockId lock;
};

TEST_F(BlockingAfar, IsDroppedIfTheModeNowHeldIsNotInTheWay) { EXPECT_EQ(told(PR, CR), 0U); }

TEST_F(BlockingAfar, IsToldIfItIs) { EXPECT_EQ(told(EX, CR), 1U); }

}  // namespace
}  // namespace quorate::lockmgr
