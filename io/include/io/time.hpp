#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/clock.hpp"

namespace quorate::io {

// The clocks and the entropy that shells hand to cores. Any thread.
MonoTime mono_now();
// CLOCK_BOOTTIME: goes on while the machine is suspended, and is the same in all processes. For
// what must have ended by a time whatever happened in between; never mixed with mono_now().
MonoTime boot_now();
BootTime exact_boot_now();
WallTime wall_now();
// 64 bits from the kernel, to seed quorate::Random.
std::uint64_t random_seed();

// Until when to wait; nothing means for ever.
using Deadline = std::optional<MonoTime>;
inline Deadline after(std::chrono::milliseconds delay) { return mono_now() + delay; }

}  // namespace quorate::io
