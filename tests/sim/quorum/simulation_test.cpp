#include <gtest/gtest.h>

#include "sim/seeds.hpp"
#include "world.hpp"

namespace quorate::quorum::simulator {
namespace {

std::string run(std::uint64_t seed) {
    Random random(seed);
    return World(seed, Scenario::draw(random)).run();
}

TEST(Simulation, AtMostOnePartitionHasTheVotes) {
    const auto failure = sim::run_seeds(1, 300, run);
    EXPECT_FALSE(failure.failed()) << failure.to_string();
}

}  // namespace
}  // namespace quorate::quorum::simulator
