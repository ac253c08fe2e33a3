#pragma once

#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "cluster/lease_page.hpp"
#include "cluster/view.hpp"

namespace quorate::cluster {

class SharedPage;

// The node's lease, for processes that touch shared data: check() before an I/O is handed to the
// kernel, reads too, and again before a write is acknowledged.
//
//     const auto lease = reader.check(io::exact_boot_now());
//     if (!lease.running()) { wait, or end if it is kExpelled }
//
// Bound to the clusterd whose page it was at open(): of another it says kExpelled for ever.
// Thread-safe.
class LeaseReader {
public:
    // `path`: run/quorate/lease. Errors: ENOENT (clusterd was never started), errc::damaged,
    // errc::unsupported_version.
    static Result<LeaseReader> open(const std::string& path);
    ~LeaseReader();
    LeaseReader(LeaseReader&&) noexcept;
    LeaseReader& operator=(LeaseReader&&) noexcept;

    struct Lease {
        LeaseState state = LeaseState::kStalled;
        StallReason reason = StallReason::kNone;
        Epoch epoch;
        bool running() const { return state == LeaseState::kRunning; }
    };
    // `now`: CLOCK_BOOTTIME. A few loads from memory, no system call.
    Lease check(BootTime now) const;

private:
    explicit LeaseReader(std::unique_ptr<SharedPage> page, LeasePage first);

    std::unique_ptr<SharedPage> page_;
    Incarnation incarnation_;
    std::uint64_t boot_;
};

}  // namespace quorate::cluster
