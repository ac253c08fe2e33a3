#include <gtest/gtest.h>

#include "mutation.hpp"
#include "sim/mutation.hpp"
#include "world.hpp"

namespace quorate::cluster::simulator {
namespace {

using sim::Mutation;

constexpr std::uint64_t kSeedsAtMost = 20'000;

// The seeds are those of the README.md of tests/sim/cluster.
class Mutant : public ::testing::TestWithParam<Mutation> {};

std::string run(std::uint64_t seed) {
    Random random(seed);
    return World(seed, Scenario::draw(random)).run();
}

TEST_P(Mutant, IsCaught) { sim::expect_caught(active_mutation, GetParam(), kSeedsAtMost, run); }

INSTANTIATE_TEST_SUITE_P(
    Cluster, Mutant,
    ::testing::Values(Mutation{"forget_floor", 1}, Mutation{"vouch_before_flush", 78},
                      Mutation{"vouch_twice", 404}, Mutation{"newest_lineage_only", 7368},
                      Mutation{"trust_votequorum", 23}, Mutation{"readmit_expelled", 7},
                      Mutation{"disk_of_any_ring", 4580}, Mutation{"stale_disk_floor", 546},
                      Mutation{"acknowledge_anybody", 187}, Mutation{"lease_from_receipt", 1839},
                      Mutation{"ignore_clock_error", 1677}, Mutation{"forget_start", 596},
                      Mutation{"disk_without_floor", 21560}, Mutation{"forget_disk_view", 837},
                      Mutation{"expelled_not_final", 3}, Mutation{"without_lease_fencer", 11},
                      Mutation{"one_consent", 3}, Mutation{"accept_old_epochs", 9},
                      Mutation{"deliver_early", 7}, Mutation{"deliver_again", 2},
                      Mutation{"forget_unacknowledged", 10}, Mutation{"hold_goes_on", 22355},
                      Mutation{"vouch_without_disk", 9175}, Mutation{"certain_of_proposals", 66},
                      Mutation{"silence_forgives", 3238}, Mutation{"heirs_at_once", 1},
                      Mutation{"heirs_after_own", 1}, Mutation{"forget_heirs", 1}),
    sim::name_of);

}  // namespace
}  // namespace quorate::cluster::simulator
