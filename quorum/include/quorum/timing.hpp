#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"

// The constants by which voters know of each other without speaking. They stand in the disk's
// header, so that all voters have the same.
namespace quorate::quorum {

enum class StopMode {
    kWatchdog,  // a watchdog resets a node whose voter does not run
    kSoft,      // there is none: Corosync must go on running when the voter does not
};

struct Timing {
    using ms = std::chrono::milliseconds;
    ms heartbeat{1000};      // between two writings of the heartbeat page
    ms late_io{2000};        // an I/O that takes longer is not clean
    ms lease{5000};          // from the submission of a heartbeat
    ms poll{500};            // between two polls of votequorum
    ms vote_timeout{3000};   // quorum.device.timeout: how long votequorum keeps a vote
    ms sync_timeout{25000};  // quorum.device.sync_timeout: how long it waits in a new ring
    ms watchdog{5000};       // 0: soft mode
    ms silence{12000};       // after which a node that may hold votes is taken for stopped
    ms guard{1000};          // for what takes time beside all of these
    std::uint32_t clock_error_ppm = 1000;  // of any clock against real time
    bool operator==(const Timing&) const = default;

    StopMode mode() const { return watchdog == ms::zero() ? StopMode::kSoft : StopMode::kWatchdog; }
    static Timing for_watchdog() { return {}; }
    static Timing for_soft_mode();

    // From the end of a lease to the end of all its effects, at worst.
    ms stop() const;
    // The same by a clock that may be as fast as the other is slow.
    std::chrono::microseconds surely_stopped() const;
    // The least `silence` that is safe.
    ms least_silence() const;
};

// One inequality that does not hold.
struct Violation {
    std::string rule;      // as docs/formats/quorum-disk.md writes it
    Timing::ms missing{};  // by how much the left side is too small
    std::string to_string() const;
};

// All that do not hold, none if the constants are safe.
std::vector<Violation> violations(const Timing& timing);
// Errors: errc::unsafe_timing, naming every violation.
Status check(const Timing& timing);

}  // namespace quorate::quorum
