#pragma once

#include <time.h>

#include <chrono>

namespace quorate::bench {

// Of this thread: what else runs on the machine counts as far as it shares caches only.
inline std::chrono::nanoseconds processor_time() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace quorate::bench
