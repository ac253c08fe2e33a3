#pragma once

#include <chrono>
#include <cstdint>

#include "base/clock.hpp"

namespace quorate::cluster {

// As the control API tells times.
inline std::int64_t unix_seconds(WallTime time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace quorate::cluster
