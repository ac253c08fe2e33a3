#include "node.hpp"

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

}  // namespace
}  // namespace quorate::lockmgr
