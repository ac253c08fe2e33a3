#pragma once

#include <cstdint>

#include "base/clock.hpp"
#include "sim/time.hpp"

namespace quorate::sim {

// CLOCK_BOOTTIME of one machine: `offset` at the world's start, then running fast or slow by a
// constant rate. Shows whole milliseconds or microseconds, like the shells, rounded down.
class NodeClock {
public:
    NodeClock(Time offset, std::int64_t error_ppm) : offset_(offset), ppm_(error_ppm) {}

    MonoTime at(Time real) const {
        return MonoTime(std::chrono::floor<MonoTime::duration>(local(real)));
    }
    BootTime exact(Time real) const { return BootTime(local(real)); }
    // The first real time at which the clock shows `time` or more.
    Time when(BootTime time) const {
        const auto elapsed = (Time(time.time_since_epoch()) - offset_).count();
        Time real(static_cast<std::int64_t>(static_cast<__int128>(elapsed) * 1'000'000 /
                                            (1'000'000 + ppm_)));
        while (local(real) >= Time(time.time_since_epoch())) {
            real -= Time(1);
        }
        while (local(real) < Time(time.time_since_epoch())) {
            real += Time(1);
        }
        return real;
    }

private:
    Time local(Time real) const { return offset_ + real + Time(real.count() * ppm_ / 1'000'000); }

    Time offset_;
    std::int64_t ppm_;
};

}  // namespace quorate::sim
