#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

#include "base/clock.hpp"
#include "quorum/types.hpp"

namespace quorate::quorum {

// What this node's page says of the votes, and until when that lasts: `held` above `released` as
// long as it may have cast any. A lease is only followed by one that was submitted inside it.
class Hold {
public:
    explicit Hold(std::chrono::milliseconds lease) : lease_(lease) {}

    Epoch held() const { return held_; }
    Epoch released() const { return released_; }
    bool any() const { return held_ != released_; }

    // What the last life left is over with it.
    void restore(Epoch held) { held_ = released_ = held; }
    // The next heartbeat says that it holds the epoch: the first of a chain of leases, or one more.
    void begin(BootTime now, Epoch epoch);
    void release();

    // A heartbeat was submitted: the lease that it may become.
    void submitted(BootTime now, std::uint64_t sequence);
    // It is on the disk, and was read there.
    void confirmed(BootTime now, std::uint64_t sequence);

    // C4.
    bool runs(BootTime now) const;
    // When it is a hold without a lease, and none can come any more: what was submitted inside the
    // last lease may still arrive. Never: there is no hold.
    BootTime dead_at() const;
    bool expired(BootTime now) const { return now >= dead_at(); }
    std::optional<BootTime> until() const { return until_; }

private:
    struct Renewal {
        std::uint64_t sequence = 0;
        BootTime submitted;
    };
    BootTime end() const { return until_ ? std::max(*until_, begun_ + lease_) : begun_ + lease_; }

    std::chrono::milliseconds lease_;
    Epoch held_;
    Epoch released_;
    BootTime begun_;  // the first submission of the chain
    std::optional<BootTime> until_;
    std::deque<Renewal> renewals_;
};

}  // namespace quorate::quorum
