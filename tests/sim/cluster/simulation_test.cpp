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
    const auto failure = sim::run_seeds(1, 300, run);
    EXPECT_FALSE(failure.failed()) << failure.to_string();
}

TEST(Simulation, PairsWithAQuorumDiskSurviveEverything) {
    const auto failure = sim::run_seeds(1, 200, [](std::uint64_t seed) {
        Random random(seed);
        return World(seed, Scenario::draw_pair(random)).run();
    });
    EXPECT_FALSE(failure.failed()) << failure.to_string();
}

TEST(Simulation, ViewsOfSixteenForm) {
    const auto failure = sim::run_seeds(1, 2, [](std::uint64_t seed) {
        Random random(seed);
        auto scenario = Scenario::draw(random);
        scenario.nodes = 16;
        scenario.votes.assign(scenario.nodes, 1);
        scenario.disk_votes = 0;
        scenario.faulty = sim::seconds(8);
        return World(seed, scenario).run();
    });
    EXPECT_FALSE(failure.failed()) << failure.to_string();
}

}  // namespace
}  // namespace quorate::cluster::simulator
