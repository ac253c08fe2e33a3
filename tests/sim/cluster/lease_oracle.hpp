#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include <fmt/core.h>

#include "cluster/lease_page.hpp"
#include "cluster/view.hpp"
#include "sim/node_clock.hpp"

namespace quorate::cluster::simulator {

// Real time and leases: nobody is told that it may take over before the lost life's lease is over,
// whatever its processes read from its page, and before every fencer has confirmed.
class LeaseOracle {
public:
    void published(sim::Time now, MemberId life, const LeasePage& page,
                   const sim::NodeClock& clock) {
        auto& lease = leases_[life];
        if (lease.expelled) {
            fail(life, "publishes a lease after it was expelled");
        }
        lease.expelled = page.state == LeaseState::kExpelled;
        if (page.state == LeaseState::kRunning) {
            lease.end = std::max(lease.end, clock.when(page.deadline));
        }
        static_cast<void>(now);
    }
    void told_expelled(MemberId life) {
        if (!leases_[life].expelled) {
            fail(life, "is expelled, and its page does not say so");
        }
    }
    // The page is gone, or another life's.
    void page_gone(sim::Time now, MemberId life) {
        auto& end = leases_[life].end;
        end = std::min(end, now);
    }

    void fencer_added(MemberId life) { fencers_.insert(life); }
    void fencer_confirmed(MemberId by, MemberId lost) { confirmed_.emplace(by, lost); }

    void allowed(sim::Time now, MemberId by, MemberId lost, const View& view) {
        const auto it = leases_.find(lost);
        if (it != leases_.end() && it->second.end > now) {
            fail(by, fmt::format("may take over from node {}, whose lease runs for another {} us",
                                 lost.node.value(), (it->second.end - now).count()));
        }
        for (const auto& member : view.members) {
            if (fencers_.contains(member.id) && !confirmed_.contains({member.id, lost})) {
                fail(by, fmt::format("may take over from node {}, and the fencer of node {} has "
                                     "not confirmed",
                                     lost.node.value(), member.id.node.value()));
            }
        }
    }

    const std::string& breach() const { return breach_; }

private:
    struct Lease {
        sim::Time end{0};
        bool expelled = false;
    };
    void fail(MemberId life, const std::string& what) {
        if (breach_.empty()) {
            breach_ = fmt::format("node {} {}", life.node.value(), what);
        }
    }

    std::map<MemberId, Lease> leases_;
    std::set<MemberId> fencers_;  // lives that have one
    std::set<std::pair<MemberId, MemberId>> confirmed_;
    std::string breach_;
};

}  // namespace quorate::cluster::simulator
