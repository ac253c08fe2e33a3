#include <gtest/gtest.h>

#include "sim/seeds.hpp"
#include "world.hpp"

namespace quorate::lockmgr::simulator {
namespace {

std::string run(std::uint64_t seed) {
    Random random(seed);
    return World(seed, Scenario::draw(random)).run();
}

TEST(Simulation, LocksOfTwoToEightNodesSurviveEverything) {
    const auto failure = sim::run_seeds(1, 400, run);
    EXPECT_FALSE(failure.failed()) << failure.to_string();
}

// The runs are worth something only if everything happens in them.
TEST(Simulation, TreesMoveAndDeadlocksComeAbout) {
    std::size_t grants = 0;
    std::uint64_t moves = 0;
    std::uint64_t deadlocks = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        Random random(seed);
        World world(seed, Scenario::draw(random));
        ASSERT_EQ(world.run(), "");
        grants += world.grants();
        moves += world.moves();
        deadlocks += world.deadlocks();
    }
    EXPECT_GT(grants, 4000U);
    EXPECT_GT(moves, 5U);
    EXPECT_GT(deadlocks, 20U);
}

}  // namespace
}  // namespace quorate::lockmgr::simulator
