#include <gtest/gtest.h>

#include "sim/seeds.hpp"
#include "world.hpp"

namespace quorate::shadowing::simulator {
namespace {

std::string run(std::uint64_t seed) { return World(seed, Scenario::of(seed)).run(); }

TEST(Simulation, SetsOfOneToThreeOpenersSurviveEverything) {
    const auto failure = sim::run_seeds(1, 100, run);
    EXPECT_FALSE(failure.failed()) << failure.to_string();
}

TEST(Simulation, AnOperatorMayStopMergesAndCopies) {
    const auto failure = sim::run_seeds(Scenario::kSteered, 50, run);
    EXPECT_FALSE(failure.failed()) << failure.to_string();
}

// Locks, leases and losses as lockmgr/ and cluster/ have them.
TEST(Simulation, SetsOverTheRealLockManagerAndMembershipSurviveEverything) {
    const auto failure = sim::run_seeds(Scenario::kClustered, 40, run);
    EXPECT_FALSE(failure.failed()) << failure.to_string();
}

// 2000380: a merge that had waited long for the stall lock paused for a minute and a half.
TEST(Simulation, WorldsThatWentWrongOnceGoWell) {
    for (const std::uint64_t seed : {2000380, 2000602}) {
        EXPECT_EQ(run(seed), "") << seed;
    }
}

// What it lost may have been acknowledged and flushed: reads may give what was there before. But
// the set is mounted again, and a scrub finds every block that it lost.
TEST(Simulation, AScrubFindsWhatADiskLostThatLiedAboutAFlush) {
    std::uint64_t reports = 0;
    const auto failure = sim::run_seeds(1, 20, [&](std::uint64_t seed) {
        Random random(seed);
        World world(seed, Scenario::draw_with_liar(random));
        auto breach = world.run();
        reports += world.scrub_reports();
        return breach;
    });
    EXPECT_FALSE(failure.failed()) << failure.to_string();
    EXPECT_GT(reports, 0u) << "nothing was lost, in no world";
}

}  // namespace
}  // namespace quorate::shadowing::simulator
