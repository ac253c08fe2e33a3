#include <gtest/gtest.h>

#include "mutation.hpp"
#include "sim/mutation.hpp"
#include "world.hpp"

namespace quorate::shadowing::simulator {
namespace {

using sim::Mutation;

constexpr std::uint64_t kMostSeeds = 1000;

// The seeds are those of the README.md of tests/sim/shadowing.
class Mutant : public ::testing::TestWithParam<Mutation> {};

std::string run(std::uint64_t seed) { return World(seed, Scenario::of(seed)).run(); }

TEST_P(Mutant, IsCaught) { sim::expect_caught(active_mutation, GetParam(), kMostSeeds, run); }

INSTANTIATE_TEST_SUITE_P(
    Shadowing, Mutant,
    ::testing::Values(Mutation{"data_before_intent", 1}, Mutation{"clear_in_flight", 1},
                      Mutation{"mount_stale", 3}, Mutation{"no_recompare", 9},
                      Mutation{"ack_before_expel", 3}, Mutation{"skip_witness", 2},
                      Mutation{"read_above_fence", 1}, Mutation{"read_unfixed", 6},
                      Mutation{"fix_without_stall", 9}, Mutation{"ack_without_lease", 50},
                      Mutation{"clear_unmerged", 22}, Mutation{"clear_without_flush", 155},
                      Mutation{"promote_unflushed", 324}, Mutation{"clear_unflushed", 75},
                      Mutation{"ignore_life", 255}, Mutation{"forget_changes", 8},
                      Mutation{"clear_changes", 23}, Mutation{"minicopy_hot_only", 1},
                      Mutation{"minicopy_map_only", 7}, Mutation{"forget_refresh", 372},
                      Mutation{"reuse_number", 4}, Mutation{"clean_among_others", 18},
                      Mutation{"minicopy_of_any", 261}, Mutation{"publish_unflushed", 302},
                      Mutation{"grow_unzeroed", 220}, Mutation{"scrub_without_vote", 9},
                      Mutation{"parallel_target", 1000251}, Mutation{"forget_zombies", 1002504},
                      Mutation{"fix_from_any", 1000000}, Mutation{"believe_slot", 1000466},
                      Mutation{"promote_unspread", 1000267},
                      Mutation{"fix_in_anothers_stall", 1000652}, Mutation{"overtake_label", 1086}),
    sim::name_of);

}  // namespace
}  // namespace quorate::shadowing::simulator
