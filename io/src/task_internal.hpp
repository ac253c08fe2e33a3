#pragma once

#include <chrono>
#include <exception>

#include "base/clock.hpp"
#include "base/log.hpp"

namespace quorate::io {

// MonoTime counts the steady clock's milliseconds, so the two convert exactly.
inline std::chrono::steady_clock::time_point to_steady(MonoTime when) {
    return std::chrono::steady_clock::time_point(when.time_since_epoch());
}

// The end of every spawned coroutine: logs what escaped it, cancellation excepted.
void report_exception(const std::exception_ptr& exception);

}  // namespace quorate::io
