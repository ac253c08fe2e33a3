#include "oracle.hpp"

#include <fmt/core.h>

namespace quorate::quorum::simulator {
namespace {

// Two nodes with votes of two rings are of one partition only if the ring that formed later has
// both: the other has not yet said anything in it.
bool apart(std::size_t a, const Corosync::Ring& ring_a, std::size_t b,
           const Corosync::Ring& ring_b) {
    const bool has_b = ring_a.members.has(Corosync::id_of(b));
    const bool has_a = ring_b.members.has(Corosync::id_of(a));
    if (has_a && has_b) {
        return false;
    }
    if (has_b) {
        return ring_a.id.sequence <= ring_b.id.sequence;
    }
    return !has_a || ring_b.id.sequence <= ring_a.id.sequence;
}

std::string text_of(const Corosync::Ring& ring) {
    return fmt::format("{}.{:x}/{:x}", ring.id.node.value(), ring.id.sequence, ring.members.bits());
}

}  // namespace

void Oracle::fail(std::string what) {
    if (breach_.empty()) {
        breach_ = std::move(what);
    }
}

void Oracle::votes_changed(sim::Time) {
    for (std::size_t a = 0; a < leases_.size(); ++a) {
        if (!corosync_.counts(a)) {
            continue;
        }
        if (seen_.emplace(corosync_.voted_in(a).id, true).second) {
            ++awards_;
        }
        // Soft mode needs a Corosync that runs.
        const bool soft = mode_ == StopMode::kSoft;
        if (soft && corosync_.doubtful(a)) {
            continue;
        }
        for (std::size_t b = 0; b < a; ++b) {
            if (!corosync_.counts(b) || (soft && corosync_.doubtful(b))) {
                continue;
            }
            if (apart(a, corosync_.voted_in(a), b, corosync_.voted_in(b))) {
                fail(fmt::format("nodes {} and {} have votes, of rings {} and {}", a + 1, b + 1,
                                 text_of(corosync_.voted_in(a)), text_of(corosync_.voted_in(b))));
            }
        }
    }
}

void Oracle::published(sim::Time now, std::size_t node, sim::Time until) {
    if (until <= now) {
        return;  // said too late by a process that was stopped
    }
    leases_[node] = {corosync_.voted_in(node), std::max(until, leases_[node].until)};
    for (std::size_t other = 0; other < leases_.size(); ++other) {
        const auto& lease = leases_[other];
        if (other != node && lease.until > now &&
            apart(node, leases_[node].ring, other, lease.ring)) {
            fail(fmt::format("nodes {} and {} have leases, of rings {} and {}", node + 1, other + 1,
                             text_of(leases_[node].ring), text_of(lease.ring)));
        }
    }
}

void Oracle::fenced(std::size_t node, bool same_life, bool same_boot) {
    if (same_boot && mode_ == StopMode::kWatchdog) {
        fail(fmt::format("node {} was fenced and runs", node + 1));
    }
    if (same_life && corosync_.counts(node) &&
        !(mode_ == StopMode::kSoft && corosync_.doubtful(node))) {
        fail(fmt::format("node {} was fenced and votes", node + 1));
    }
}

}  // namespace quorate::quorum::simulator
