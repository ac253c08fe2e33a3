#include <utility>

#include <fmt/core.h>

#include "node.hpp"

namespace quorate::lockmgr {
namespace {

using enum LockMode;
using enum LockStatus;
using testing::Node;
using testing::view_of;

// What a lost node held is released a few locks in a step; nobody is to wait for that.
class Release : public ::testing::Test {
protected:
    static constexpr std::uint32_t kRoots = 40;
    static constexpr std::uint32_t kInOneStep = 4;
    static constexpr cluster::MemberId kLost{NodeId(2), cluster::Incarnation(200)};

    // Each root is mastered by the first node, and held in EX by the second one.
    Release() {
        for (auto* node : {&survivor_, &lost_}) {
            node->give(cluster::ViewCommitted{view_of(1, {1, 2})});
            node->open(1);
        }
        exchange();
        for (std::uint32_t root = 0; root < kRoots; ++root) {
            survivor_.lock(1, name(root), NL);
            exchange();
            lost_.lock(1, name(root), EX);
            exchange();
        }
        EXPECT_EQ(survivor_.manager().counts().trees_mastered, kRoots);
    }
    static std::string name(std::uint32_t root) { return fmt::format("root{}", root); }
    void exchange() {
        for (bool said = true; said;) {
            said = false;
            for (auto [from, to, node] :
                 {std::tuple(&survivor_, &lost_, 1U), {&lost_, &survivor_, 2U}}) {
                for (const auto& output : from->taken()) {
                    if (const auto* send = std::get_if<Send>(&output)) {
                        to->give(Received{NodeId(node), send->bytes});
                        said = true;
                    }
                }
            }
        }
    }
    void lose() {
        survivor_.give(cluster::ViewCommitted{view_of(2, {1}, {kLost})});
        survivor_.give(cluster::TakeoverAllowed{cluster::Epoch(2), kLost});
    }
    bool has_work() {
        const auto due = survivor_.manager().deadline();
        return due && *due <= survivor_.now();
    }
    std::size_t locks() { return survivor_.manager().counts().locks; }

    Node survivor_{1, kInOneStep};
    Node lost_{2};
};

TEST_F(Release, GoesOnUntilNothingIsLeft) {
    EXPECT_EQ(locks(), 2 * kRoots);
    lose();
    EXPECT_EQ(locks(), 2 * kRoots - kInOneStep);
    for (std::uint32_t step = 0; has_work(); ++step) {
        ASSERT_LT(step, kRoots);
        survivor_.give(Tick{});
    }
    EXPECT_EQ(locks(), kRoots);
}

TEST_F(Release, WhoAsksDoesNotWaitForIt) {
    lose();
    for (std::uint32_t root = 0; root < kRoots; ++root) {
        const auto lock = survivor_.lock(1, name(root), EX, flag::NOQUEUE | flag::VALBLK);
        EXPECT_EQ(lock.status, kGranted);
        EXPECT_FALSE(lock.value_valid) << "it was held in EX";
    }
    while (has_work()) {
        survivor_.give(Tick{});
    }
    EXPECT_EQ(locks(), 2 * kRoots);
}

// Once it may be taken over: not before.
TEST_F(Release, BeginsWithTheTakeover) {
    survivor_.give(cluster::ViewCommitted{view_of(2, {1}, {kLost})});
    while (has_work()) {
        survivor_.give(Tick{});
    }
    EXPECT_EQ(locks(), 2 * kRoots);
    EXPECT_EQ(survivor_.lock(1, name(7), EX, flag::NOQUEUE).status, kNotQueued);
}

}  // namespace
}  // namespace quorate::lockmgr
