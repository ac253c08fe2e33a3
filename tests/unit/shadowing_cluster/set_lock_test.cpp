#include "shadowing/locks/set_lock.hpp"

#include <gtest/gtest.h>

#include "shadowing/locks/lock_value.hpp"

namespace quorate::shadowing {
namespace {

using lockmgr::LockMode;
using lockmgr::LockStatus;

constexpr LockName kMembers{LockKind::kMembership, 0};
constexpr LockName kStall{LockKind::kStall, 0};

Lock wanted(LockName name, Hold hold) { return {name, hold, false, std::nullopt}; }

template <class T>
const T* only(const SetLockOutputs& outputs) {
    return outputs.size() == 1 ? std::get_if<T>(&outputs[0]) : nullptr;
}

template <class T>
const T* input(const SetLockOutput& output) {
    const auto* fed = std::get_if<SetInput>(&output);
    return fed == nullptr ? nullptr : std::get_if<T>(fed);
}

// Held in that mode.
SetLock held(LockName name, Hold hold) {
    SetLock lock(name);
    static_cast<void>(lock.ask(wanted(name, hold)));
    static_cast<void>(lock.ended({}));
    static_cast<void>(lock.ended({}));
    return lock;
}

TEST(SetLock, IsTakenInNullAndConverted) {
    SetLock lock(kStall);
    const auto taken = lock.ask(wanted(kStall, Hold::kShared));
    ASSERT_NE(only<TakeLock>(taken), nullptr);
    EXPECT_TRUE(only<TakeLock>(taken)->flags & lockmgr::flag::PERSISTENT);
    const auto converted = lock.ended({});
    ASSERT_NE(only<ConvertLock>(converted), nullptr);
    EXPECT_EQ(only<ConvertLock>(converted)->mode, LockMode::CR);
    const auto granted = lock.ended({});
    ASSERT_EQ(granted.size(), 1u);
    ASSERT_NE(input<Locked>(granted[0]), nullptr);
    EXPECT_EQ(input<Locked>(granted[0])->hold, Hold::kShared);
}

TEST(SetLock, TheMembershipReadsItsValueOnTheWayUp) {
    SetLock lock(kMembers);
    static_cast<void>(lock.ask(wanted(kMembers, Hold::kExclusive)));
    const auto converted = lock.ended({});
    ASSERT_NE(only<ConvertLock>(converted), nullptr);
    EXPECT_TRUE(only<ConvertLock>(converted)->flags & lockmgr::flag::VALBLK);
    const WitnessWord word{{0, 0x11}, {7, 0xabcd}};
    const auto granted = lock.ended({LockStatus::kGranted, true, encode_value(word), true});
    ASSERT_EQ(granted.size(), 1u);
    ASSERT_NE(input<Locked>(granted[0]), nullptr);
    EXPECT_EQ(input<Locked>(granted[0])->value, word);
    EXPECT_EQ(input<Locked>(granted[0])->state, ValueState::kValid);
}

TEST(SetLock, AValueIsWrittenOnTheWayDown) {
    auto lock = held(kMembers, Hold::kExclusive);
    auto down = wanted(kMembers, Hold::kShared);
    down.value = WitnessWord{{0, 0x11}, {8, 1}};
    const auto converted = lock.ask(down);
    ASSERT_NE(only<ConvertLock>(converted), nullptr);
    EXPECT_EQ(only<ConvertLock>(converted)->mode, LockMode::CR);
    EXPECT_EQ(only<ConvertLock>(converted)->value, encode_value(*down.value));
}

TEST(SetLock, WhatIsAskedForTakesThePlaceOfWhatWaits) {
    auto lock = held(kStall, Hold::kShared);
    ASSERT_NE(only<ConvertLock>(lock.ask(wanted(kStall, Hold::kExclusive))), nullptr);
    ASSERT_NE(only<ReleaseLock>(lock.ask(wanted(kStall, Hold::kShared))), nullptr);
    // Nothing anew before the end of what was overtaken, whatever that is.
    const auto anew = lock.ended({LockStatus::kGranted, true, {}, true});
    ASSERT_NE(only<TakeLock>(anew), nullptr);
    ASSERT_NE(only<ConvertLock>(lock.ended({})), nullptr);
    const auto granted = lock.ended({});
    ASSERT_EQ(granted.size(), 1u);
    EXPECT_NE(input<Locked>(granted[0]), nullptr);
}

TEST(SetLock, WhatIsGivenUpWhileItWaitsIsForgotten) {
    SetLock lock(kStall);
    static_cast<void>(lock.ask(wanted(kStall, Hold::kExclusive)));
    static_cast<void>(lock.ended({}));
    EXPECT_NE(only<ReleaseLock>(lock.ask(wanted(kStall, Hold::kNone))), nullptr);
    EXPECT_FALSE(lock.idle());
    EXPECT_TRUE(lock.ended({LockStatus::kUnlocked, false, {}, true}).empty());
    EXPECT_TRUE(lock.idle());
}

TEST(SetLock, WhoIsNotToWaitAndWouldHaveToIsDenied) {
    SetLock lock(kStall);
    auto now = wanted(kStall, Hold::kExclusive);
    now.no_wait = true;
    static_cast<void>(lock.ask(now));
    const auto converted = lock.ended({});
    ASSERT_NE(only<ConvertLock>(converted), nullptr);
    EXPECT_TRUE(only<ConvertLock>(converted)->flags & lockmgr::flag::NOQUEUE);
    const auto denied = lock.ended({LockStatus::kNotQueued, true, {}, true});
    ASSERT_EQ(denied.size(), 2u);
    EXPECT_NE(std::get_if<ReleaseLock>(&denied[0]), nullptr);
    EXPECT_NE(input<LockDenied>(denied[1]), nullptr);
    EXPECT_TRUE(lock.idle());
}

// The lock manager says once that somebody waits.
TEST(SetLock, WhoIsInTheWayBeforeItKnowsOfItsGrantIsToldAgain) {
    SetLock lock(kStall);
    static_cast<void>(lock.ask(wanted(kStall, Hold::kShared)));
    static_cast<void>(lock.ended({}));
    static_cast<void>(lock.blocking());
    const auto granted = lock.ended({});
    ASSERT_EQ(granted.size(), 2u);
    EXPECT_NE(input<Locked>(granted[0]), nullptr);
    EXPECT_NE(input<Blocking>(granted[1]), nullptr);
}

TEST(SetLock, WhatTheLockManagerRefusesIsAskedAgain) {
    SetLock lock(kStall);
    static_cast<void>(lock.ask(wanted(kStall, Hold::kShared)));
    EXPECT_NE(only<LockRefused>(lock.ended({LockStatus::kOverLimit, false, {}, true})), nullptr);
    EXPECT_NE(only<TakeLock>(lock.again()), nullptr);
}

}  // namespace
}  // namespace quorate::shadowing
