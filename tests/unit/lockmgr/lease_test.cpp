#include "node.hpp"

// What a node may tell its clients when its lease is over and it has heard of nothing: it may have
// been lost to the others.
namespace quorate::lockmgr {
namespace {

using std::chrono::milliseconds;
using testing::OneNode;

class LeaseOver : public OneNode {
protected:
    LeaseOver() {
        held = node.lock(1, "a", LockMode::EX).lock;
        prolong();
        node.taken();
    }
    void prolong() { node.give(LeaseKnown{node.now() + milliseconds(500)}); }
    LockId held;
};

TEST_F(LeaseOver, HoldersAreSuspendedAndResumed) {
    EXPECT_EQ(node.manager().deadline(), node.now() + milliseconds(500));
    node.pass(milliseconds(500));
    ASSERT_EQ(node.seen<Suspended>().size(), 1U);
    EXPECT_EQ(node.seen<Suspended>()[0].deadline, node.now());
    prolong();
    EXPECT_EQ(node.seen<Resumed>().size(), 1U);
}

TEST_F(LeaseOver, NothingIsGrantedUntilItRunsAgain) {
    node.pass(milliseconds(600));
    EXPECT_EQ(node.lock(2, "b", LockMode::EX).status, testing::Node::kPending);
    const auto waiting = node.seen<Waiting>();
    ASSERT_EQ(waiting.size(), 1U);
    EXPECT_EQ(waiting[0].cause, WaitCause::kQuorum);
    EXPECT_EQ(node.manager().why(waiting[0].lock), WaitCause::kQuorum);
    prolong();
    EXPECT_EQ(node.last().status, LockStatus::kGranted);
}

// A thawed process finds the request before it finds the time.
TEST_F(LeaseOver, TheVeryRequestThatComesFirstAfterwardsWaits) {
    node.sleep(milliseconds(600));
    EXPECT_EQ(node.lock(2, "b", LockMode::EX).status, testing::Node::kPending);
    EXPECT_EQ(node.seen<Suspended>().size(), 1U);
}

TEST_F(LeaseOver, WhoWillNotWaitIsRefused) {
    node.pass(milliseconds(600));
    EXPECT_EQ(node.lock(2, "b", LockMode::EX, flag::NOQUORUMFAIL).status, LockStatus::kNoQuorum);
}

TEST_F(LeaseOver, AReleaseIsAnsweredAndItsSuccessorGrantedWhenItRunsAgain) {
    const auto next = node.lock(2, "a", LockMode::EX).lock;
    node.pass(milliseconds(600));
    EXPECT_EQ(node.unlock(1, held, flag::VALBLK).status, testing::Node::kPending);
    EXPECT_TRUE(node.ends_of(next).empty());
    prolong();
    EXPECT_EQ(node.ends_of(held), std::vector{LockStatus::kUnlocked});
    EXPECT_EQ(node.ends_of(next), std::vector{LockStatus::kGranted});
}

TEST_F(LeaseOver, OfOneLockAllIsToldInItsOrder) {
    const auto next = node.lock(2, "a", LockMode::EX).lock;
    node.pass(milliseconds(600));
    node.unlock(1, held);
    node.cancel(2, next);
    EXPECT_TRUE(node.ends_of(next).empty());
    prolong();
    EXPECT_EQ(node.ends_of(next),
              (std::vector{LockStatus::kGranted, LockStatus::kNothingToCancel}));
}

TEST_F(LeaseOver, WhatWasWithheldOfAClientThatIsGoneIsNobodys) {
    node.lock(2, "a", LockMode::EX);
    node.pass(milliseconds(600));
    node.unlock(1, held);
    node.give(ClientGone{ClientId(2)});
    node.open(2);
    node.taken();
    prolong();
    EXPECT_EQ(node.seen<Completion>().size(), 1U);  // the release
}

TEST_F(LeaseOver, OfAnExpelledNodeEverythingIsRevoked) {
    const auto next = node.lock(2, "a", LockMode::EX).lock;
    node.pass(milliseconds(600));
    node.unlock(1, held);
    node.give(cluster::Expelled{"the others went on"});
    EXPECT_EQ(node.ends_of(held), std::vector{LockStatus::kRevoked});
    EXPECT_EQ(node.ends_of(next), std::vector{LockStatus::kRevoked});
    EXPECT_EQ(node.seen<Revoked>().size(), 9U);
}

// Quorum that comes back is not yet a lease.
TEST_F(LeaseOver, AViewAloneResumesNobody) {
    node.pass(milliseconds(600));
    node.give(cluster::QuorumLost{cluster::Epoch(1)});
    node.give(cluster::ViewCommitted{testing::view_of(2, {1})});
    EXPECT_TRUE(node.seen<Resumed>().empty());
    EXPECT_EQ(node.lock(2, "b", LockMode::EX).status, testing::Node::kPending);
    prolong();
    EXPECT_EQ(node.seen<Resumed>().size(), 1U);
    EXPECT_EQ(node.last().status, LockStatus::kGranted);
}

}  // namespace
}  // namespace quorate::lockmgr
