#include "pair.hpp"

namespace quorate::lockmgr {
namespace {

using enum LockMode;
using enum LockStatus;
using testing::view_of;

// What a lost node held is released a few locks in a step; nobody is to wait for that.
class Release : public testing::Pair {
protected:
    // Each root is mastered by the first node, and held in EX by the second one.
    Release() {
        view(1, {1, 2});
        first.open(1);
        second.open(1);
        settle();
        for (std::uint32_t root = 0; root < kRoots; ++root) {
            first.lock(1, name(root), NL);
            exchange();
            second.lock(1, name(root), EX);
            exchange();
        }
        EXPECT_EQ(first.manager().counts().trees_mastered, kRoots);
    }
    void lose() {
        first.give(cluster::ViewCommitted{view_of(2, {1}, {kSecond})});
        first.give(cluster::TakeoverAllowed{cluster::Epoch(2), kSecond});
    }
    std::size_t locks() { return first.manager().counts().locks; }
};

TEST_F(Release, GoesOnUntilNothingIsLeft) {
    EXPECT_EQ(locks(), 2 * kRoots);
    lose();
    EXPECT_EQ(locks(), 2 * kRoots - kInOneStep);
    for (std::uint32_t step = 0; has_work(first); ++step) {
        ASSERT_LT(step, kRoots);
        first.give(Tick{});
    }
    EXPECT_EQ(locks(), kRoots);
}

TEST_F(Release, WhoAsksDoesNotWaitForIt) {
    lose();
    for (std::uint32_t root = 0; root < kRoots; ++root) {
        const auto lock = first.lock(1, name(root), EX, flag::NOQUEUE | flag::VALBLK);
        EXPECT_EQ(lock.status, kGranted);
        EXPECT_FALSE(lock.value_valid) << "it was held in EX";
    }
    while (has_work(first)) {
        first.give(Tick{});
    }
    EXPECT_EQ(locks(), 2 * kRoots);
}

// Once it may be taken over: not before.
TEST_F(Release, BeginsWithTheTakeover) {
    first.give(cluster::ViewCommitted{view_of(2, {1}, {kSecond})});
    while (has_work(first)) {
        first.give(Tick{});
    }
    EXPECT_EQ(locks(), 2 * kRoots);
    EXPECT_EQ(first.lock(1, name(7), EX, flag::NOQUEUE).status, kNotQueued);
}

}  // namespace
}  // namespace quorate::lockmgr
