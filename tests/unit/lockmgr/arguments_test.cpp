#include "node.hpp"

namespace quorate::lockmgr {
namespace {

using enum LockMode;
using enum LockStatus;
using testing::Node;

// dlm.md 2.9: what is refused before it is queued (Linux set_lock_args, set_unlock_args).
class Arguments : public testing::OneNode {};

TEST_F(Arguments, OfANewLock) {
    struct Case {
        std::uint32_t flags;
        LockMode mode;
        LockStatus status;
    };
    const Case kCases[] = {
        {0, EX, kGranted},
        {flag::QUECVT, EX, kInvalid},
        {flag::CONVDEADLK, EX, kInvalid},
        {flag::FORCEUNLOCK, EX, kInvalid},
        {flag::EXPEDITE, CR, kInvalid},
        {flag::EXPEDITE | flag::NOQUEUE, NL, kInvalid},
        {flag::EXPEDITE, NL, kGranted},
        {flag::ALTPR | flag::ALTCW, EX, kInvalid},
        {flag::ORPHAN, EX, kInvalid},
        {flag::ORPHAN | flag::PERSISTENT, EX, kNoOrphan},
        {0x40000, EX, kInvalid},
        {0, static_cast<LockMode>(6), kInvalid},
    };
    for (const auto& one : kCases) {
        EXPECT_EQ(node.lock(1, "r", one.mode, one.flags).status, one.status) << one.flags;
        node.give(ClientGone{ClientId(1)});
        node.open(1);
    }
}

TEST_F(Arguments, NamesHaveUpTo64OctetsOfAnyKind) {
    EXPECT_EQ(node.lock(1, std::string(kMaxName, '\0'), EX).status, kGranted);
    EXPECT_EQ(node.lock(1, std::string(kMaxName + 1, 'n'), EX).status, kInvalid);
    EXPECT_EQ(node.lock(1, "", EX).status, kGranted);
}

TEST_F(Arguments, OfAConversion) {
    struct Case {
        std::uint32_t flags;
        LockMode mode;
        LockStatus status;
    };
    const Case kCases[] = {
        {flag::CONVDEADLK | flag::NOQUEUE, EX, kInvalid},
        {flag::EXPEDITE, NL, kInvalid},
        {flag::ORPHAN, EX, kInvalid},
        {flag::FORCEUNLOCK, EX, kInvalid},
        {flag::QUECVT, CR, kInvalid},  // PR to CR
        {flag::QUECVT, CW, kGranted},
        {0, static_cast<LockMode>(6), kInvalid},
    };
    const auto lock = node.lock(1, "r", PR);
    for (const auto& one : kCases) {
        EXPECT_EQ(node.convert(1, lock.lock, one.mode, one.flags).status, one.status) << one.flags;
    }
}

TEST_F(Arguments, OnlyAGrantedLockWithNothingPendingIsConverted) {
    const auto holder = node.lock(1, "r", PR);
    const auto waiting = node.lock(2, "r", EX);
    EXPECT_EQ(node.convert(2, waiting.lock, NL).status, kBusy);
    node.convert(1, holder.lock, PW);
    node.lock(3, "s", PR);
    const auto first = node.lock(4, "s", PR);
    ASSERT_EQ(node.convert(4, first.lock, EX).status, Node::kPending);
    EXPECT_EQ(node.convert(4, first.lock, NL).status, kBusy);
}

TEST_F(Arguments, OfAnUnlock) {
    const auto lock = node.lock(1, "r", EX);
    EXPECT_EQ(node.unlock(1, lock.lock, flag::NOQUEUE).status, kInvalid);
    EXPECT_EQ(node.unlock(1, LockId(0)).status, kNoSuchLock);
    EXPECT_EQ(node.unlock(2, lock.lock).status, kNoSuchLock) << "another client's";
    EXPECT_EQ(node.unlock(1, lock.lock).status, kUnlocked);
    EXPECT_EQ(node.unlock(1, lock.lock).status, kNoSuchLock) << "a stale number";
    const auto next = node.lock(1, "r", EX);
    EXPECT_NE(next.lock, lock.lock);
}

TEST_F(Arguments, OfSublocks) {
    const auto root = node.lock(1, "r", EX);
    EXPECT_EQ(node.lock(2, "s", EX, 0, root.lock).status, kNoSuchLock) << "another client's parent";
    const auto waiting = node.lock(2, "r", EX);
    EXPECT_EQ(node.lock(2, "s", EX, 0, waiting.lock).status, kParentNotGranted);
    auto parent = root.lock;
    for (std::size_t depth = 1; depth < kMaxDepth; ++depth) {
        const auto child = node.lock(1, "s", EX, 0, parent);
        ASSERT_EQ(child.status, kGranted) << depth;
        EXPECT_EQ(node.unlock(1, parent).status, kHasSublocks);
        parent = child.lock;
    }
    EXPECT_EQ(node.lock(1, "s", EX, 0, parent).status, kTooDeep);
}

}  // namespace
}  // namespace quorate::lockmgr
