#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "base/log.hpp"
#include "simulation.hpp"

namespace quorate::mail::store {
namespace {

std::string simulate(std::uint64_t seed, Simulation::Counts& counts) {
    Simulation simulation(seed);
    auto problem = simulation.run();
    counts.operations += simulation.counts().operations;
    counts.refused += simulation.counts().refused;
    counts.crashes += simulation.counts().crashes;
    counts.compared += simulation.counts().compared;
    return problem;
}

TEST(StoreSimulation, KeepsEveryPromiseInTheFixedSeeds) {
    Simulation::Counts counts;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        const auto problem = simulate(seed, counts);
        ASSERT_EQ(problem, "") << "seed " << seed;
    }
    EXPECT_GT(counts.operations, 10'000U);
    EXPECT_GT(counts.operations, 4 * counts.refused) << "most operations must do something";
    EXPECT_GT(counts.compared, 300U);
}

// --seeds A-B: by hand, as many as wanted.
int run_seeds(const char* range) {
    char* end = nullptr;
    const auto first = std::strtoull(range, &end, 10);
    const auto last = *end == '-' ? std::strtoull(end + 1, nullptr, 10) : first;
    Simulation::Counts counts;
    int failures = 0;
    for (auto seed = first; seed <= last; ++seed) {
        const auto problem = simulate(seed, counts);
        if (!problem.empty()) {
            fmt::print("seed {}: {}\n", seed, problem);
            std::fflush(stdout);
            ++failures;
        }
    }
    fmt::print(
        "{} seeds, {} operations ({} refused), {} crashes, {} accounts compared, {} broken\n",
        last - first + 1, counts.operations, counts.refused, counts.crashes, counts.compared,
        failures);
    return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace quorate::mail::store

int main(int argc, char** argv) {
    ::testing::InitGoogleTest(&argc, argv);
    // Faults make errors; what matters is in the comparison.
    quorate::Logger::set_sink([](quorate::LogLevel, std::string_view line) {
        if (std::getenv("SIM_LOG") != nullptr) {
            fmt::print("{}\n", line);
        }
    });
    if (argc == 3 && std::strcmp(argv[1], "--seeds") == 0) {
        return quorate::mail::store::run_seeds(argv[2]);
    }
    return RUN_ALL_TESTS();
}
