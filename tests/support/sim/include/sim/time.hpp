#pragma once

#include <chrono>
#include <cstdint>

#include "base/random.hpp"

namespace quorate::sim {

// Real time of the simulated world; no node sees it.
using Time = std::chrono::duration<std::int64_t, std::micro>;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Uniform in [from, to].
inline Time between(Random& random, Time from, Time to) {
    const auto span = static_cast<std::uint64_t>((to - from).count()) + 1;
    return from + Time(static_cast<std::int64_t>(random.below(span)));
}

}  // namespace quorate::sim
