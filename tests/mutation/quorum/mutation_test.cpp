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

// Two partitions with the votes: a mere lack of progress is not what these faults are about.
std::string run(std::uint64_t seed) {
    Random random(seed);
    auto what = World(seed, Scenario::draw(random)).run();
    return what.starts_with("no progress") ? "" : what;
}

TEST_P(Mutant, IsCaught) {
    const auto seeds = sim::number_from_environment("QUORATE_MUTATION_SEEDS", 1);
    sim::expect_caught(active_mutation, GetParam(), seeds, run);
}

INSTANTIATE_TEST_SUITE_P(
    Quorum, Mutant,
    ::testing::Values(
        Mutation{"undecided", 11813}, Mutation{"no_handshake", 4347}, Mutation{"nobody_closed", 2},
        Mutation{"closed_when_seen", 2}, Mutation{"stragglers", 197}, Mutation{"no_lease", 1300},
        Mutation{"any_ring", 1}, Mutation{"no_stop_time", 548}, Mutation{"feed_always", 1105},
        Mutation{"no_probe", 24}, Mutation{"believe_any_disk", 78}, Mutation{"release_first", 7},
        Mutation{"write_before_withdrawal", 225}, Mutation{"forget_wards", 14},
        Mutation{"forget_last_wards", 2839}, Mutation{"renew_expired", 388},
        Mutation{"lease_from_completion", 142}, Mutation{"ignore_foreign", 24},
        Mutation{"ignore_fences", 6}, Mutation{"one_lease", 62}, Mutation{"no_read_back", 89},
        Mutation{"short_silence", 1}, Mutation{"feed_unheard_of", 1}, Mutation{"feed_evicted", 1},
        Mutation{"new_life_is_new_boot", 1}, Mutation{"silence_is_proof", 1},
        Mutation{"its_word_is_enough", 1}, Mutation{"forget_words", 1},
        Mutation{"ring_does_not_matter", 1}, Mutation{"stale_ring", 1}),
    sim::name_of);

}  // namespace
}  // namespace quorate::quorum::simulator
