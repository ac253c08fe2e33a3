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
        Mutation{"nobody_closed", 3}, Mutation{"closed_when_seen", 3}, Mutation{"stragglers", 345},
        Mutation{"any_ring", 1}, Mutation{"no_stop_time", 548}, Mutation{"no_probe", 57},
        Mutation{"believe_any_disk", 86}, Mutation{"release_first", 7},
        Mutation{"write_before_withdrawal", 462}, Mutation{"forget_wards", 31},
        Mutation{"renew_expired", 2467}, Mutation{"lease_from_completion", 385},
        Mutation{"ignore_foreign", 84}, Mutation{"ignore_fences", 7}, Mutation{"no_read_back", 169},
        Mutation{"short_silence", 3}, Mutation{"feed_unheard_of", 42}, Mutation{"feed_evicted", 1},
        Mutation{"new_life_is_new_boot", 31}, Mutation{"silence_is_proof", 50},
        Mutation{"its_word_is_enough", 1}, Mutation{"undecided", 2962},
        Mutation{"no_handshake", 2001}, Mutation{"no_lease", 125}, Mutation{"feed_always", 5}),
    sim::name_of);

}  // namespace
}  // namespace quorate::quorum::simulator
