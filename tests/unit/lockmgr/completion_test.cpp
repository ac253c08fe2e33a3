#include "node.hpp"

namespace quorate::lockmgr {
namespace {

using enum LockMode;
using enum LockStatus;
using testing::Node;

// dlm.md 2.6: how operations end, and what is left of the lock. Exactly one completion for each.
class Completions : public testing::OneNode {
protected:
    struct End {
        std::vector<LockStatus> statuses;  // of all its operations
        std::optional<LockMode> left;      // nothing: the lock is gone
        bool operator==(const End&) const = default;
    };
    // As the client finds it: a conversion to the mode it has changes nothing.
    std::optional<LockMode> left_of(std::uint32_t client, LockId lock) {
        std::optional<LockMode> held;
        node.manager().each_resource([&](const ResourceInfo& info) {
            for (const auto& one : info.locks) {
                if (one.lock == lock) {
                    held = one.granted;
                }
            }
        });
        const auto probe = node.unlock(client, lock).status;
        EXPECT_EQ(probe, held ? kUnlocked : kNoSuchLock);
        return held;
    }
    End end_of(std::uint32_t client, LockId lock) {
        auto statuses = node.ends_of(lock);
        return {std::move(statuses), left_of(client, lock)};
    }
};

TEST_F(Completions, Granted) {
    const auto lock = node.lock(1, "r", PR).lock;
    node.convert(1, lock, EX);
    EXPECT_EQ(end_of(1, lock), (End{{kGranted, kGranted}, EX}));
}

TEST_F(Completions, NotQueuedTheNewLockIsGone) {
    node.lock(1, "r", EX);
    const auto lock = node.lock(2, "r", EX, flag::NOQUEUE).lock;
    EXPECT_EQ(end_of(2, lock), (End{{kNotQueued}, std::nullopt}));
}

TEST_F(Completions, NotQueuedTheConvertedLockIsAsItWas) {
    node.lock(1, "r", PR);
    const auto lock = node.lock(2, "r", CR).lock;
    node.convert(2, lock, EX, flag::NOQUEUE);
    EXPECT_EQ(end_of(2, lock), (End{{kGranted, kNotQueued}, CR}));
}

TEST_F(Completions, CancelledTheNewLockIsGone) {
    node.lock(1, "r", EX);
    const auto lock = node.lock(2, "r", EX).lock;
    node.give(Cancel{ClientId(2), RequestId(999), lock});
    EXPECT_EQ(end_of(2, lock), (End{{kGranted, kCancelled}, std::nullopt}))
        << "the cancel's own end, then the request's";
}

TEST_F(Completions, CancelledTheConvertedLockIsAsItWas) {
    node.lock(1, "r", PR);
    const auto lock = node.lock(2, "r", CR).lock;
    node.convert(2, lock, EX);
    node.give(Cancel{ClientId(2), RequestId(999), lock});
    EXPECT_EQ(end_of(2, lock), (End{{kGranted, kGranted, kCancelled}, CR}));
}

TEST_F(Completions, DeadlockTheConvertedLockIsAsItWas) {
    const auto first = node.lock(1, "r", PR).lock;
    const auto second = node.lock(2, "r", PR).lock;
    node.convert(1, first, EX);
    node.convert(2, second, EX);
    EXPECT_EQ(end_of(2, second), (End{{kGranted, kDeadlock}, PR}));
    EXPECT_EQ(end_of(1, first), (End{{kGranted, kGranted}, EX})) << "its way is free";
}

TEST_F(Completions, DeadlockTheNewLockIsGone) {
    node.lock(1, "a", EX);
    node.lock(2, "b", EX);
    const auto first = node.lock(1, "b", EX).lock;
    node.sleep(std::chrono::milliseconds(5));
    const auto second = node.lock(2, "a", EX).lock;
    for (int i = 0; i < 4; ++i) {
        node.pass(std::chrono::milliseconds(50));
    }
    EXPECT_EQ(node.ends_of(first), std::vector<LockStatus>{}) << "it waits as before";
    EXPECT_EQ(end_of(2, second), (End{{kDeadlock}, std::nullopt}));
}

TEST_F(Completions, UnlockedThereIsNoMore) {
    const auto lock = node.lock(1, "r", EX).lock;
    node.unlock(1, lock);
    EXPECT_EQ(end_of(1, lock), (End{{kGranted, kUnlocked}, std::nullopt}));
}

TEST_F(Completions, ForcedTheRequestEndsBeforeTheUnlock) {
    node.lock(1, "r", EX);
    const auto lock = node.lock(2, "r", EX).lock;
    node.unlock(2, lock, flag::FORCEUNLOCK);
    EXPECT_EQ(end_of(2, lock), (End{{kCancelled, kUnlocked}, std::nullopt}));
}

}  // namespace
}  // namespace quorate::lockmgr
