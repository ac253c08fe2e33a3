#include <gtest/gtest.h>

#include "mutation.hpp"
#include "sim/seeds.hpp"
#include "world.hpp"

namespace quorate::cluster::simulator {
namespace {

// Each fault, and a seed that is known to show it (README.md of tests/sim/cluster).
struct Mutation {
    const char* name;
    std::uint64_t seed;
};

constexpr std::uint64_t kSeedsAtMost = 20'000;

class Mutant : public ::testing::TestWithParam<Mutation> {
protected:
    ~Mutant() override { active_mutation = {}; }
};

std::string run(std::uint64_t seed) {
    Random random(seed);
    return World(seed, Scenario::draw(random)).run();
}

TEST_P(Mutant, IsCaught) {
    active_mutation = GetParam().name;
    const auto failure = sim::run_seeds(GetParam().seed, kSeedsAtMost, run);
    EXPECT_TRUE(failure.failed()) << "nobody noticed";
    fmt::print("{}: {}\n", GetParam().name, failure.to_string());
}

INSTANTIATE_TEST_SUITE_P(
    Membership, Mutant,
    ::testing::Values(Mutation{"forget_floor", 1}, Mutation{"vouch_before_flush", 8},
                      Mutation{"vouch_twice", 53}, Mutation{"trust_votequorum", 9},
                      Mutation{"readmit_expelled", 3}, Mutation{"vouch_without_disk", 2937},
                      Mutation{"disk_of_any_ring", 186}, Mutation{"stale_disk_floor", 240}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace quorate::cluster::simulator
