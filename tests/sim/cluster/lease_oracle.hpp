#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>

#include <fmt/core.h>

#include "cluster/lease_page.hpp"
#include "cluster/takeover.hpp"
#include "cluster/view.hpp"
#include "sim/node_clock.hpp"

namespace quorate::cluster::simulator {

// Real time and leases: nobody is told that it may take over before the lost life's lease is over,
// whatever its processes read from its page, and before every fencer has confirmed; and no heir is
// asked before the lease is over and every fencer that is no heir has confirmed.
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

    void fencer_added(MemberId life, const std::string& name) { fencers_[life].insert(name); }
    void fencer_confirmed(MemberId by, const std::string& name, MemberId lost) {
        confirmed_.insert({by, name, lost});
    }

    void heir_asked(sim::Time now, MemberId by, MemberId lost, const View& view) {
        check(now, by, lost, view, "asks an heir of",
              [](const auto& name) { return !is_heir(name); });
    }
    void allowed(sim::Time now, MemberId by, MemberId lost, const View& view) {
        check(now, by, lost, view, "may take over from", [](const auto&) { return true; });
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

    template <class Counts>
    void check(sim::Time now, MemberId by, MemberId lost, const View& view, const char* what,
               Counts counts) {
        const auto it = leases_.find(lost);
        if (it != leases_.end() && it->second.end > now) {
            fail(by, fmt::format("{} node {}, whose lease runs for another {} us", what,
                                 lost.node.value(), (it->second.end - now).count()));
        }
        for (const auto& member : view.members) {
            for (const auto& name : fencers_[member.id]) {
                if (counts(name) && !confirmed_.contains({member.id, name, lost})) {
                    fail(by, fmt::format("{} node {}, and {} of node {} has not confirmed", what,
                                         lost.node.value(), name, member.id.node.value()));
                }
            }
        }
    }

    std::map<MemberId, Lease> leases_;
    std::map<MemberId, std::set<std::string>> fencers_;  // of each life
    std::set<std::tuple<MemberId, std::string, MemberId>> confirmed_;
    std::string breach_;
};

}  // namespace quorate::cluster::simulator
