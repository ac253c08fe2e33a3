#pragma once

#include <cstdint>

namespace quorate::cluster {

// A number that differs between starts of the machine: CLOCK_BOOTTIME begins anew with each.
std::uint64_t this_boot();

}  // namespace quorate::cluster
