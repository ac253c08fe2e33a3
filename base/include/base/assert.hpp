#pragma once

namespace quorate {

[[noreturn]] void assert_failed(const char* expression, const char* file, int line);

}  // namespace quorate

// A broken invariant of our own: one line to stderr, then abort. Always on, release builds
// included.
#define QUORATE_ASSERT(expression)       \
    ((expression) ? static_cast<void>(0) \
                  : ::quorate::assert_failed(#expression, __FILE__, __LINE__))
