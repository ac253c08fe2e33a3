#pragma once

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>

#include <fmt/core.h>

#include "base/text.hpp"

namespace quorate::sim {

inline std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : parse_u64(text).value_or(otherwise);
}

// What one seed led to: nothing if all was well.
using SeedRun = std::function<std::string(std::uint64_t seed)>;

struct SeedFailure {
    std::uint64_t seed = 0;
    std::string what;  // empty: no seed failed
    bool failed() const { return !what.empty(); }
    std::string to_string() const {
        return failed() ? fmt::format("QUORATE_SIM_SEED={}: {}", seed, what) : "no seed failed";
    }
};

// Runs seeds first, first + 1, ...; stops at the first failure.
inline SeedFailure run_seeds(std::uint64_t first, std::uint64_t count, const SeedRun& run) {
    const auto one = number_from_environment("QUORATE_SIM_SEED", 0);
    if (one != 0) {
        return {one, run(one)};
    }
    const auto total = number_from_environment("QUORATE_SIM_SEEDS", count);
    first = number_from_environment("QUORATE_SIM_FIRST", first);
    for (auto seed = first; seed < first + total; ++seed) {
        if (auto what = run(seed); !what.empty()) {
            return {seed, std::move(what)};
        }
    }
    return {};
}

}  // namespace quorate::sim
