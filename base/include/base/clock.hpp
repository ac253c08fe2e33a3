#pragma once

#include <chrono>

namespace quorate {

// Time is a value handed to cores; only io/ and the daemons' shells read a clock.

// Wall-clock time, UTC, milliseconds. For what people and other machines see.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

// Time since an arbitrary start, never stepped. For deadlines and durations.
struct MonoClock {
    using duration = std::chrono::milliseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<MonoClock>;
    static constexpr bool is_steady = true;
};
using MonoTime = MonoClock::time_point;
// CLOCK_BOOTTIME in microseconds, the same in all processes of a machine: what leases run by.
using BootTime = std::chrono::time_point<MonoClock, std::chrono::microseconds>;

}  // namespace quorate
