#include <gtest/gtest.h>

#include "mutation.hpp"
#include "sim/mutation.hpp"
#include "world.hpp"

namespace quorate::quorum::simulator {
namespace {

using sim::Mutation;

// The seeds are those of the README.md of tests/sim/quorum. Where they have moved,
// QUORATE_MUTATION_SEEDS=20000 looks for others, from the listed one on.
class Mutant : public ::testing::TestWithParam<Mutation> {};

// Two partitions with the votes, or a machine that runs though it was fenced: a mere lack of
// progress is not what these faults are about, but for the one that does not hear that it is to
// end.
std::string run(std::uint64_t seed) {
    Random random(seed);
    auto what = World(seed, Scenario::draw(random)).run();
    const bool idle = what.ends_with("nothing comes of it") && !mutated("ignore_fences");
    return idle || what.starts_with("no progress") ? "" : what;
}

TEST_P(Mutant, IsCaught) {
    const auto seeds = sim::number_from_environment("QUORATE_MUTATION_SEEDS", 1);
    sim::expect_caught(active_mutation, GetParam(), seeds, run);
}

INSTANTIATE_TEST_SUITE_P(
    Quorum, Mutant,
    ::testing::Values(Mutation{"nobody_closed", 4}, Mutation{"closed_when_seen", 4},
                      Mutation{"stragglers", 763}, Mutation{"any_ring", 3},
                      Mutation{"no_stop_time", 548}, Mutation{"no_probe", 84},
                      Mutation{"believe_any_disk", 461}, Mutation{"release_first", 23},
                      Mutation{"write_before_withdrawal", 1160}, Mutation{"forget_wards", 70},
                      Mutation{"renew_expired", 4965}, Mutation{"lease_from_completion", 1892},
                      Mutation{"ignore_foreign", 107}, Mutation{"ignore_fences", 20},
                      Mutation{"no_read_back", 361}, Mutation{"short_silence", 129},
                      Mutation{"feed_unheard_of", 120}, Mutation{"feed_evicted", 5},
                      Mutation{"new_life_is_new_boot", 70}, Mutation{"silence_is_proof", 97},
                      Mutation{"its_word_is_enough", 5}, Mutation{"no_lease", 241},
                      Mutation{"feed_always", 5}, Mutation{"page_is_present", 70},
                      Mutation{"stale_ring", 24034}, Mutation{"silence_of_the_start", 22597},
                      Mutation{"undecided", 2991}, Mutation{"no_handshake", 22},
                      Mutation{"one_lease", 21}, Mutation{"forget_last_wards", 3},
                      Mutation{"wards_stay", 37}, Mutation{"ring_does_not_matter", 97},
                      Mutation{"no_ring_missed", 524493}),
    sim::name_of);

}  // namespace
}  // namespace quorate::quorum::simulator
