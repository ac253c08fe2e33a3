#include <gtest/gtest.h>

#include "mutation.hpp"
#include "sim/mutation.hpp"
#include "world.hpp"

namespace quorate::cluster::simulator {
namespace {

using sim::Mutation;

constexpr std::uint64_t kSeedsAtMost = 1;

// The seeds are those of the README.md of tests/sim/cluster.
class Mutant : public ::testing::TestWithParam<Mutation> {};

std::string run(std::uint64_t seed) {
    Random random(seed);
    return World(seed, Scenario::draw(random)).run();
}

TEST_P(Mutant, IsCaught) { sim::expect_caught(active_mutation, GetParam(), kSeedsAtMost, run); }

INSTANTIATE_TEST_SUITE_P(
    Cluster, Mutant,
    ::testing::Values(Mutation{"forget_floor", 1}, Mutation{"vouch_before_flush", 30},
                      Mutation{"vouch_twice", 220}, Mutation{"newest_lineage_only", 246},
                      Mutation{"trust_votequorum", 4}, Mutation{"readmit_expelled", 6},
                      Mutation{"acknowledge_anybody", 75}, Mutation{"lease_from_receipt", 653},
                      Mutation{"ignore_clock_error", 148}, Mutation{"forget_start", 322},
                      Mutation{"expelled_not_final", 3}, Mutation{"without_lease_fencer", 7},
                      Mutation{"one_consent", 1}, Mutation{"accept_old_epochs", 2},
                      Mutation{"deliver_early", 2}, Mutation{"deliver_again", 1},
                      Mutation{"forget_unacknowledged", 1}, Mutation{"hold_goes_on", 6362},
                      Mutation{"disk_without_floor", 48019}, Mutation{"certain_of_proposals", 37},
                      Mutation{"silence_forgives", 3526}, Mutation{"heirs_at_once", 1},
                      Mutation{"heirs_after_own", 1}, Mutation{"forget_heirs", 1},
                      Mutation{"votes_before_past", 11}, Mutation{"stale_word", 7554}),
    sim::name_of);

// Those of the quorum disk's votes, in worlds of two nodes and a disk.
class MutantPair : public ::testing::TestWithParam<Mutation> {};

std::string run_pair(std::uint64_t seed) {
    Random random(seed);
    return World(seed, Scenario::draw_pair(random)).run();
}

TEST_P(MutantPair, IsCaught) {
    sim::expect_caught(active_mutation, GetParam(), kSeedsAtMost, run_pair);
}

INSTANTIATE_TEST_SUITE_P(Cluster, MutantPair,
                         ::testing::Values(Mutation{"disk_of_any_ring", 42},
                                           Mutation{"stale_disk_floor", 51},
                                           Mutation{"forget_disk_view", 64},
                                           Mutation{"vouch_without_disk", 10090}),
                         sim::name_of);

}  // namespace
}  // namespace quorate::cluster::simulator
