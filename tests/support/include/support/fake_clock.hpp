#pragma once

#include <chrono>

#include "base/clock.hpp"

namespace quorate::support {

// Both clocks of a node, moved by hand. Starts at a time that is not zero, so that a forgotten
// initialisation shows. Not thread-safe.
class FakeClock {
public:
    MonoTime mono() const { return mono_; }
    WallTime wall() const { return wall_; }

    void advance(std::chrono::milliseconds by) {
        mono_ += by;
        wall_ += by;
    }
    // Goes to `time` if that is later than now.
    void advance_to(MonoTime time) {
        if (time > mono_) {
            advance(time - mono_);
        }
    }
    // The wall clock is stepped by an operator or NTP; the other does not notice.
    void step_wall(std::chrono::milliseconds by) { wall_ += by; }

private:
    MonoTime mono_{std::chrono::hours(1)};
    WallTime wall_{std::chrono::seconds(1'700'000'000)};  // 2023-11-14 22:13:20 UTC
};

}  // namespace quorate::support
