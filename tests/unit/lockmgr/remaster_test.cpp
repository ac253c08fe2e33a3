#include "pair.hpp"

namespace quorate::lockmgr {
namespace {

using enum LockMode;
using enum LockStatus;
using testing::Pair;

// dlm.md 2.12: when a tree moves to another node (Davis 6-35 to 6-40: a lead of ten operations in a
// second, more of them than locks in the tree, or three times in a row), and when it stays. n1 is
// its master, n2 another user.
class Remaster : public Pair {
protected:
    Remaster() {
        view(1, {1, 2});
        first.open(1);
        second.open(1);
        settle();
        // A root whose directory is its first user: no message more than needed.
        here_ = first.lock(1, "tree", NL).lock;
        settle();
        there_ = lock_there("tree");
    }
    LockId lock_there(std::string_view name) {
        second.lock(1, name, NL);
        LockId lock;
        for (bool said = true; said;) {
            said = false;
            for (auto [from, to, number] :
                 {std::tuple(&first, &second, 1U), {&second, &first, 2U}}) {
                for (const auto& output : from->taken()) {
                    if (const auto* send = std::get_if<Send>(&output)) {
                        to->give(Received{NodeId(number), send->bytes});
                        said = true;
                    } else if (const auto* done = std::get_if<Completion>(&output);
                               done != nullptr && from == &second) {
                        lock = done->lock;
                    }
                }
            }
        }
        EXPECT_NE(lock, LockId(0));
        return lock;
    }
    // So many operations of each in a second.
    void second_of(int of_first, int of_second) {
        for (int i = 0; i < std::max(of_first, of_second); ++i) {
            if (i < of_first) {
                first.convert(1, here_, i % 2 == 0 ? CR : NL);
            }
            if (i < of_second) {
                second.convert(1, there_, i % 2 == 0 ? CR : NL);
            }
            exchange();
        }
        for (int i = 0; i < 10; ++i) {
            first.pass(std::chrono::milliseconds(100));
            second.pass(std::chrono::milliseconds(100));
            settle();
        }
    }
    void weigh(std::uint32_t of_first, std::uint32_t of_second) {
        auto next = testing::view_of(2, {1, 2});
        next.members[0].directory_weight = of_first;
        next.members[1].directory_weight = of_second;
        first.give(cluster::ViewCommitted{next});
        second.give(cluster::ViewCommitted{next});
        settle();
    }
    bool moved() { return first.manager().counts().trees_mastered == 0; }
    bool moved_back() { return first.manager().counts().trees_mastered == 1; }
    bool moves_within(int seconds, int of_first, int of_second) {
        for (int i = 0; i < seconds && !moved(); ++i) {
            second_of(of_first, of_second);
        }
        return moved();
    }

    LockId here_;
    LockId there_;
};

TEST_F(Remaster, ALeadOfTenOperationsASecondMovesIt) { EXPECT_TRUE(moves_within(60, 1, 12)); }

TEST_F(Remaster, ASmallerLeadDoesNot) { EXPECT_FALSE(moves_within(60, 2, 11)); }

TEST_F(Remaster, NorDoesOneOfThreeFifthsOfTheWork) { EXPECT_FALSE(moves_within(60, 40, 60)); }

TEST_F(Remaster, WhoUsesItAloneNeedsNoLead) { EXPECT_TRUE(moves_within(3, 0, 5)); }

TEST_F(Remaster, WhoUsesItAloneForAMinuteGetsItHoweverSeldom) {
    EXPECT_FALSE(moves_within(50, 0, 1));
    EXPECT_TRUE(moves_within(20, 0, 1));
}

TEST_F(Remaster, WhatItsMasterUsesTooStaysHoweverSeldom) { EXPECT_FALSE(moves_within(130, 1, 1)); }

TEST_F(Remaster, AUserOfGreaterWeightGetsItWhoeverUsesItMore) {
    weigh(1, 2);
    EXPECT_TRUE(moves_within(10, 40, 2));
}

TEST_F(Remaster, OneOfLessWeightDoesNot) {
    weigh(2, 1);
    EXPECT_FALSE(moves_within(60, 1, 40));
}

TEST_F(Remaster, OneOfLessWeightDoesIfItIsAlone) {
    weigh(2, 1);
    EXPECT_TRUE(moves_within(3, 0, 5));
}

TEST_F(Remaster, ATreeOfMoreLocksThanTheLeadStays) {
    for (int i = 0; i < 600; ++i) {
        first.lock(1, "tree", NL);
    }
    EXPECT_FALSE(moves_within(40, 1, 30)) << "a lead of 29 a second, 464 in sixteen";
}

// Where it has come to it stays for a while, and longer with every move.
TEST_F(Remaster, ItDoesNotGoToAndFro) {
    ASSERT_TRUE(moves_within(10, 0, 100));
    int seconds = 0;
    while (!moved_back() && seconds < 60) {
        second_of(100, 0);
        ++seconds;
    }
    EXPECT_GE(seconds, 4);
    EXPECT_LT(seconds, 10);
}

}  // namespace
}  // namespace quorate::lockmgr
