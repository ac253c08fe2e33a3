#include "io/time.hpp"

#include <sys/random.h>
#include <time.h>

#include "base/assert.hpp"

namespace quorate::io {

using std::chrono::milliseconds;

MonoTime mono_now() {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return MonoTime(std::chrono::duration_cast<milliseconds>(since));
}

MonoTime boot_now() { return std::chrono::floor<milliseconds>(exact_boot_now()); }

BootTime exact_boot_now() {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return BootTime(std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec)));
}

WallTime wall_now() { return std::chrono::floor<milliseconds>(std::chrono::system_clock::now()); }

std::uint64_t random_seed() {
    std::uint64_t seed = 0;
    const auto got = getrandom(&seed, sizeof(seed), 0);
    QUORATE_ASSERT(got == static_cast<ssize_t>(sizeof(seed)));
    return seed;
}

}  // namespace quorate::io
