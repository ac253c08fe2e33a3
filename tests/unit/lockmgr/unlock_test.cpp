#include "node.hpp"

namespace quorate::lockmgr {
namespace {

using enum LockMode;
using enum LockStatus;
using testing::Node;

// dlm.md 2.8: cancel, unlock, force-unlock, $DEQ with DEQALL.
class Unlock : public testing::OneNode {
protected:
    LockStatus all(std::uint32_t client, LockId below = LockId(0)) {
        node.give(DequeueAll{ClientId(client), RequestId(9000 + client), below});
        for (const auto& completion : node.seen<Completion>()) {
            if (completion.request == RequestId(9000 + client)) {
                return completion.status;
            }
        }
        return Node::kPending;
    }
    std::size_t locks() { return node.manager().counts().locks; }
};

TEST_F(Unlock, CancelEndsAWaitingRequest) {
    node.lock(1, "r", EX);
    const auto waiting = node.lock(2, "r", EX);
    EXPECT_EQ(node.cancel(2, waiting.lock).status, kGranted);
    EXPECT_EQ(node.ends_of(waiting.lock), (std::vector{kGranted, kCancelled}));
    EXPECT_EQ(node.unlock(2, waiting.lock).status, kNoSuchLock);
}

TEST_F(Unlock, CancelPutsAConversionBackAtItsOldMode) {
    const auto lock = node.lock(1, "r", CR);
    const auto other = node.lock(2, "r", PR);
    node.convert(1, lock.lock, EX);
    node.cancel(1, lock.lock);
    EXPECT_EQ(node.ends_of(lock.lock).back(), kCancelled);
    node.unlock(2, other.lock);
    EXPECT_EQ(node.lock(3, "r", PW, flag::NOQUEUE).status, kGranted) << "CR is held";
}

TEST_F(Unlock, CancelLetsThoseBehindGoOn) {
    node.lock(1, "r", PR);
    const auto writer = node.lock(2, "r", EX);
    const auto reader = node.lock(3, "r", PR);
    node.cancel(2, writer.lock);
    EXPECT_EQ(node.ends_of(reader.lock), std::vector{kGranted});
}

TEST_F(Unlock, CancelOfNothing) {
    const auto lock = node.lock(1, "r", EX);
    EXPECT_EQ(node.cancel(1, lock.lock).status, kNothingToCancel);
    EXPECT_EQ(node.cancel(2, lock.lock).status, kNoSuchLock);
}

TEST_F(Unlock, WhatIsPendingIsBusyUnlessForced) {
    node.lock(1, "r", EX);
    const auto waiting = node.lock(2, "r", EX);
    EXPECT_EQ(node.unlock(2, waiting.lock).status, kBusy);
    EXPECT_EQ(node.unlock(2, waiting.lock, flag::FORCEUNLOCK).status, kUnlocked);
    EXPECT_EQ(node.ends_of(waiting.lock), (std::vector{kBusy, kCancelled, kUnlocked}));
}

TEST_F(Unlock, AllOfAClient) {
    const auto root = node.lock(1, "r", EX);
    node.lock(1, "s", EX, 0, root.lock);
    node.lock(2, "t", EX);
    const auto waiting = node.lock(1, "t", EX);
    EXPECT_EQ(all(1), kUnlocked);
    EXPECT_EQ(node.ends_of(waiting.lock), std::vector{kCancelled});
    EXPECT_EQ(locks(), 1U);
}

TEST_F(Unlock, AllSublocksButNotTheLockItself) {
    const auto root = node.lock(1, "r", EX);
    const auto child = node.lock(1, "s", EX, 0, root.lock);
    node.lock(1, "u", EX, 0, child.lock);
    EXPECT_EQ(all(1, root.lock), kUnlocked);
    EXPECT_EQ(locks(), 1U);
    EXPECT_EQ(node.unlock(1, root.lock).status, kUnlocked);
}

TEST_F(Unlock, EqualNamesBelowDifferentParentsNeverMeet) {
    const auto a = node.lock(1, "a", EX);
    const auto b = node.lock(1, "b", EX);
    node.lock(1, "s", EX, 0, a.lock);
    EXPECT_EQ(node.lock(1, "s", EX, flag::NOQUEUE, b.lock).status, kGranted);
}

// dlm.md 2.14: orphans.
class Orphans : public Unlock {};

TEST_F(Orphans, OnlyAPersistentGrantedLockOutlivesItsClient) {
    node.lock(1, "kept", EX, flag::PERSISTENT);
    node.lock(1, "gone", EX);
    node.lock(2, "waits", EX);
    node.lock(1, "waits", EX, flag::PERSISTENT);
    node.give(ClientGone{ClientId(1)});
    EXPECT_EQ(node.lock(3, "kept", CR, flag::NOQUEUE).status, kNotQueued);
    EXPECT_EQ(node.lock(3, "gone", EX, flag::NOQUEUE).status, kGranted);
    EXPECT_EQ(locks(), 3U);
}

TEST_F(Orphans, AreAdoptedByNameAndMode) {
    const auto lock = node.lock(1, "r", EX, flag::PERSISTENT);
    node.give(ClientGone{ClientId(1)});
    constexpr auto kAdopt = flag::PERSISTENT | flag::ORPHAN;
    EXPECT_EQ(node.lock(2, "r", PR, kAdopt).status, kOrphanOtherMode);
    EXPECT_EQ(node.lock(2, "s", EX, kAdopt).status, kNoOrphan);
    const auto adopted = node.lock(2, "r", EX, kAdopt);
    EXPECT_EQ(adopted.status, kGranted);
    EXPECT_EQ(adopted.lock, lock.lock);
    EXPECT_EQ(node.lock(3, "r", EX, kAdopt).status, kNoOrphan);
    EXPECT_EQ(node.unlock(2, adopted.lock).status, kUnlocked);
}

// Its client waits as before, though it has a lock that came to it late.
TEST_F(Orphans, AnAdoptedLockIsPartOfADeadlock) {
    node.lock(1, "r", EX, flag::PERSISTENT);
    node.give(ClientGone{ClientId(1)});
    const auto waiting = node.lock(2, "r", EX);
    node.lock(2, "r", EX, flag::PERSISTENT | flag::ORPHAN);
    node.pass(std::chrono::milliseconds(60));
    EXPECT_EQ(node.ends_of(waiting.lock), std::vector{kDeadlock});
}

// What is left behind has a limit, and may be adopted when it is reached.
TEST(OrphansOfANode, HaveALimitThatAdoptionLowers) {
    LockManagerOptions options;
    options.self = {NodeId(1), cluster::Incarnation(100)};
    options.client_locks_max = 2;
    testing::Node few(options);
    few.alone();
    for (std::uint32_t client = 1; client < 4; ++client) {
        few.open(client);
    }
    few.lock(1, "a", EX, flag::PERSISTENT);
    few.lock(1, "b", EX, flag::PERSISTENT);
    few.give(ClientGone{ClientId(1)});
    EXPECT_EQ(few.lock(2, "c", EX, flag::PERSISTENT).status, kOverLimit);
    EXPECT_EQ(few.lock(2, "c", EX).status, kGranted);
    EXPECT_EQ(few.lock(3, "a", EX, flag::PERSISTENT | flag::ORPHAN).status, kGranted);
    EXPECT_EQ(few.lock(2, "d", EX, flag::PERSISTENT).status, kGranted);
}

TEST_F(Orphans, ArePurgedByProcessOrAll) {
    node.lock(1, "a", EX, flag::PERSISTENT);
    node.lock(2, "b", EX, flag::PERSISTENT);
    node.give(ClientGone{ClientId(1)});
    node.give(ClientGone{ClientId(2)});
    node.give(Purge{ClientId(3), RequestId(9100), NodeId(1), 1001});
    EXPECT_EQ(node.lock(3, "a", EX, flag::NOQUEUE).status, kGranted);
    EXPECT_EQ(node.lock(3, "b", EX, flag::NOQUEUE).status, kNotQueued);
    node.give(Purge{ClientId(3), RequestId(9101), NodeId(0), 0});
    EXPECT_EQ(node.lock(3, "b", EX, flag::NOQUEUE).status, kGranted);
}

}  // namespace
}  // namespace quorate::lockmgr
