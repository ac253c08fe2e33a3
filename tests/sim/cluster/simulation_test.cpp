#include <gtest/gtest.h>

#include "sim/seeds.hpp"
#include "world.hpp"

namespace quorate::cluster::simulator {
namespace {

std::string run(std::uint64_t seed) {
    Random random(seed);
    return World(seed, Scenario::draw(random)).run();
}

TEST(Simulation, ClustersOfTwoToEightSurviveEverything) {
    const auto failure = sim::run_seeds(1, 400, run);
    EXPECT_FALSE(failure.failed()) << failure.to_string();
}

}  // namespace
}  // namespace quorate::cluster::simulator
