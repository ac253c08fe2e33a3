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
                      Mutation{"mount_stale", 4}, Mutation{"parallel_target", 80},
                      Mutation{"no_recompare", 4}, Mutation{"ack_before_expel", 7},
                      Mutation{"skip_witness", 8}, Mutation{"read_above_fence", 1},
                      Mutation{"read_unfixed", 13}, Mutation{"fix_without_stall", 52},
                      Mutation{"ack_without_lease", 26}, Mutation{"clear_unmerged", 6},
                      Mutation{"clear_without_flush", 143}, Mutation{"promote_unflushed", 158},
                      Mutation{"forget_zombies", 245}, Mutation{"clear_unflushed", 73},
                      Mutation{"ignore_life", 143}, Mutation{"promote_unspread", 248},
                      Mutation{"forget_changes", 1}, Mutation{"clear_changes", 2},
                      Mutation{"minicopy_hot_only", 1}, Mutation{"minicopy_map_only", 2},
                      Mutation{"forget_refresh", 19}),
    sim::name_of);

}  // namespace
}  // namespace quorate::shadowing::simulator
