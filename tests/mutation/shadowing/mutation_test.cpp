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

// Only seeds that the machines as they ship pass.
constexpr std::uint64_t kLastSeed = 53;

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
    const auto failure = sim::run_seeds(GetParam().seed, kLastSeed + 1 - GetParam().seed, run);
    EXPECT_TRUE(failure.failed()) << "nobody noticed";
    fmt::print("{}: {}\n", GetParam().name, failure.to_string());
}

INSTANTIATE_TEST_SUITE_P(
    Shadowing, Mutant,
    ::testing::Values(Mutation{"data_before_intent", 1}, Mutation{"clear_in_flight", 1},
                      Mutation{"mount_stale", 3}, Mutation{"parallel_target", 22},
                      Mutation{"no_recompare", 2}, Mutation{"ack_before_expel", 4},
                      Mutation{"skip_witness", 4}, Mutation{"read_above_fence", 1},
                      Mutation{"read_unfixed", 1}, Mutation{"fix_without_stall", 19},
                      Mutation{"ack_without_lease", 3}, Mutation{"forget_refresh", 4},
                      Mutation{"clear_unmerged", 3}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace quorate::shadowing::simulator
