#include <gtest/gtest.h>

#include "mutation.hpp"
#include "sim/mutation.hpp"
#include "world.hpp"

namespace quorate::shadowing::simulator {
namespace {

using sim::Mutation;

// Only seeds that the machines as they ship pass.
constexpr std::uint64_t kLastSeed = 1000;

// The seeds are those of the README.md of tests/sim/shadowing.
class Mutant : public ::testing::TestWithParam<Mutation> {};

std::string run(std::uint64_t seed) {
    Random random(seed);
    return World(seed, Scenario::draw(random)).run();
}

TEST_P(Mutant, IsCaught) {
    sim::expect_caught(active_mutation, GetParam(), kLastSeed + 1 - GetParam().seed, run);
}

INSTANTIATE_TEST_SUITE_P(
    Shadowing, Mutant,
    ::testing::Values(Mutation{"data_before_intent", 1}, Mutation{"clear_in_flight", 1},
                      Mutation{"mount_stale", 1}, Mutation{"parallel_target", 1},
                      Mutation{"no_recompare", 1}, Mutation{"ack_before_expel", 1},
                      Mutation{"skip_witness", 1}, Mutation{"read_above_fence", 1},
                      Mutation{"read_unfixed", 1}, Mutation{"fix_without_stall", 1},
                      Mutation{"ack_without_lease", 1}, Mutation{"clear_unmerged", 1},
                      Mutation{"clear_without_flush", 1}, Mutation{"promote_unflushed", 1},
                      Mutation{"forget_zombies", 1}, Mutation{"clear_unflushed", 1},
                      Mutation{"ignore_life", 1}, Mutation{"promote_unspread", 1},
                      Mutation{"forget_changes", 1}, Mutation{"clear_changes", 1},
                      Mutation{"minicopy_hot_only", 1}, Mutation{"minicopy_map_only", 1},
                      Mutation{"forget_refresh", 1}, Mutation{"reuse_number", 2}),
    sim::name_of);

}  // namespace
}  // namespace quorate::shadowing::simulator
