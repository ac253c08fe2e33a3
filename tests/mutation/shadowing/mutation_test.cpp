#include <gtest/gtest.h>

#include "mutation.hpp"
#include "sim/seeds.hpp"
#include "world.hpp"

namespace quorate::shadowing::simulator {
namespace {

// Each fault, and a seed that is known to show it (README.md of tests/sim/shadowing).
struct Mutation {
    const char* name;
    std::uint64_t seed;
};

// No more than its own: the machines as they ship must pass every seed that counts here.
constexpr std::uint64_t kSeedsAtMost = 1;

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
    Shadowing, Mutant,
    ::testing::Values(Mutation{"data_before_intent", 1}, Mutation{"clear_without_flush", 2},
                      Mutation{"clear_in_flight", 1}, Mutation{"mount_stale", 2},
                      Mutation{"parallel_target", 24}, Mutation{"no_recompare", 11},
                      Mutation{"ack_before_expel", 2}, Mutation{"skip_witness", 2},
                      Mutation{"read_above_fence", 1}, Mutation{"read_unfixed", 3},
                      Mutation{"fix_without_stall", 11}, Mutation{"ack_without_lease", 24},
                      Mutation{"forget_refresh", 4}, Mutation{"clear_unmerged", 3}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace quorate::shadowing::simulator
