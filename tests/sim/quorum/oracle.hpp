#pragma once

#include <map>
#include <string>
#include <vector>

#include "corosync_model.hpp"

namespace quorate::quorum::simulator {

// At most one partition has the disk's votes, at every moment: by what votequorum counts, and by
// the leases that voters publish. The first breach is kept; none: empty.
class Oracle {
public:
    Oracle(const Corosync& corosync, std::size_t nodes, StopMode mode)
        : corosync_(corosync), mode_(mode), leases_(nodes) {}

    // After every change of what any votequorum counts.
    void votes_changed(sim::Time now);
    // By the real time at which the lease ends.
    void published(sim::Time now, std::size_t node, sim::Time until);
    void power_lost(std::size_t node) { leases_[node] = {}; }
    // Somebody was told that this life of the node is out, and where there are watchdogs that its
    // machine was reset.
    void fenced(std::size_t node, bool same_life, bool same_boot);

    const std::string& breach() const { return breach_; }
    std::uint64_t awards() const { return awards_; }

private:
    struct Lease {
        Corosync::Ring ring;
        sim::Time until{0};
    };
    void fail(std::string what);

    const Corosync& corosync_;
    StopMode mode_;
    std::vector<Lease> leases_;
    std::map<RingId, bool> seen_;
    std::uint64_t awards_ = 0;
    std::string breach_;
};

}  // namespace quorate::quorum::simulator
