#include <gtest/gtest.h>

#include "mutation.hpp"
#include "sim/seeds.hpp"
#include "world.hpp"

namespace quorate::quorum::simulator {
namespace {

// Each fault, and a seed that is known to show it (README.md of tests/sim/quorum).
struct Mutation {
    const char* name;
    std::uint64_t seed;
};

constexpr std::uint64_t kSeedsAtMost = 3'000;

class Mutant : public ::testing::TestWithParam<Mutation> {
protected:
    ~Mutant() override { active_mutation = {}; }
};

// Two partitions with the votes: a mere lack of progress is not what these faults are about.
std::string run(std::uint64_t seed) {
    Random random(seed);
    auto what = World(seed, Scenario::draw(random)).run();
    return what.starts_with("no progress") ? "" : what;
}

TEST_P(Mutant, IsCaught) {
    active_mutation = GetParam().name;
    const auto failure = sim::run_seeds(GetParam().seed, kSeedsAtMost, run);
    EXPECT_TRUE(failure.failed()) << "nobody noticed";
    fmt::print("{}: {}\n", GetParam().name, failure.to_string());
}

INSTANTIATE_TEST_SUITE_P(
    Quorum, Mutant,
    ::testing::Values(
        Mutation{"undecided", 1}, Mutation{"no_handshake", 1}, Mutation{"nobody_closed", 1},
        Mutation{"closed_when_seen", 1}, Mutation{"stragglers", 1}, Mutation{"no_lease", 1},
        Mutation{"any_ring", 1}, Mutation{"no_stop_time", 1}, Mutation{"feed_always", 1},
        Mutation{"no_probe", 1}, Mutation{"believe_any_disk", 1}, Mutation{"release_first", 1},
        Mutation{"write_before_withdrawal", 1}, Mutation{"forget_wards", 1},
        Mutation{"forget_last_wards", 1}, Mutation{"renew_expired", 1},
        Mutation{"lease_from_completion", 1}, Mutation{"ignore_foreign", 1},
        Mutation{"ignore_fences", 1}, Mutation{"one_lease", 1}, Mutation{"no_read_back", 1}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace quorate::quorum::simulator
