#include <gtest/gtest.h>

#include "sim/seeds.hpp"
#include "world.hpp"

namespace quorate::shadowing::simulator {
namespace {

std::string run(std::uint64_t seed) {
    Random random(seed);
    return World(seed, Scenario::draw(random)).run();
}

TEST(Simulation, SetsOfOneToThreeOpenersSurviveEverything) {
    const auto failure = sim::run_seeds(1, 100, run);
    EXPECT_FALSE(failure.failed()) << failure.to_string();
}

}  // namespace
}  // namespace quorate::shadowing::simulator
