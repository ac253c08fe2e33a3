#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "sim/seeds.hpp"

namespace quorate::sim {

// A fault, and a seed that is known to show it.
struct Mutation {
    const char* name;
    std::uint64_t seed;
};

inline std::string name_of(const ::testing::TestParamInfo<Mutation>& test) {
    return test.param.name;
}

// Runs seeds from its own on until one fails, which without the fault it must not. `active` is
// where the machine under test looks.
inline void expect_caught(std::string_view& active, const Mutation& mutation,
                          std::uint64_t seeds_at_most, const SeedRun& run) {
    active = mutation.name;
    const auto failure = run_seeds(mutation.seed, seeds_at_most, run);
    active = {};
    ASSERT_TRUE(failure.failed()) << "nobody noticed";
    EXPECT_EQ(run(failure.seed), "") << "seed " << failure.seed << " fails without it too";
    fmt::print("{}: {}\n", mutation.name, failure.to_string());
}

}  // namespace quorate::sim
