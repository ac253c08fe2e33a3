#include <algorithm>

#include <fmt/core.h>

#include "mutation.hpp"
#include "voter_impl.hpp"

// Which epoch this partition has or asks for, and whether it may be used.
namespace quorate::quorum {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBetweenBids(2000);

}  // namespace

ContestView Voter::Impl::view() const {
    return {slots, electorate, timing, options.self, ring, members, trusted, score, now};
}

// ---- epochs

Epoch Voter::Impl::newest_epoch() const {
    auto newest = std::max(hold.held(), proposer.page().epoch);
    for (std::uint32_t n = 1; n <= kMaxNodes; ++n) {
        const auto& pages = slots.of(NodeId(n));
        newest = std::max({newest, pages.ballot.page.epoch, pages.heartbeat.page.held});
    }
    return newest;
}

// After every reading that counts: whether this partition should have the votes, and whether it is
// this node that must ask for them.
void Voter::Impl::decide() {
    if (!have_ring || evicted || stopping || resigning || disks.round().submitted < ring_since) {
        return;
    }
    if (!electorate.eligible(members)) {
        yielded = true;
        resign("too few votes, even with the disk's");
        return;
    }
    const auto current = view();
    const bool natural = electorate.natural(members);
    const bool incumbent = casting && casting->award.ring == ring && lease_runs();
    const auto better = natural || incumbent ? std::nullopt : superior(current);
    if (better) {
        if (!yielded) {
            note(LogLevel::kInfo, "yields", fmt::format("to the ring of node {}", better->value()));
        }
        yielded = true;
        resign(fmt::format("the ring of node {} has or should have them", better->value()));
        return;
    }
    yielded = false;
    if (leader(current) != options.self || proposer.busy()) {
        return;
    }
    auto wanted_above = needed;
    for (std::uint32_t n = 1; n <= kMaxNodes; ++n) {
        const auto& page = slots.of(NodeId(n)).heartbeat.page;
        if (members.has(NodeId(n)) && page.ring == ring && page.trusted) {
            wanted_above = std::max(wanted_above, page.needed);
        }
    }
    const bool have = committed > Epoch() && committed_award == Award{ring, members};
    if (have && committed >= wanted_above) {
        return;
    }
    const bool waits = now - ring_since < 2 * timing.heartbeat && unsettled(current);
    if (!waits && (!have || now - last_bid >= kBetweenBids)) {
        bid(std::max(newest_epoch(), Epoch(wanted_above.value())));
    }
}

void Voter::Impl::bid(Epoch newest) {
    last_bid = now;
    proposer.begin(Epoch(newest.value() + 1), {ring, members});
    note(LogLevel::kInfo, "bids",
         fmt::format("epoch {} for {} nodes", newest.value() + 1, members.size()));
}

// C1: a decided epoch for this ring, of whichever member, is the one to hold.
void Voter::Impl::adopt() {
    for (std::uint32_t n = 1; n <= kMaxNodes; ++n) {
        const auto& ballot = slots.of(NodeId(n)).ballot;
        const auto& award = ballot.page.committed_award;
        if (ballot.known == Known::kSound && ballot.page.committed > committed &&
            (award.ring == ring || mutated("any_ring")) && award.members.has(options.self)) {
            committed = ballot.page.committed;
            committed_award = award;
            committed_seen = now;
        }
    }
    const bool adoptable =
        committed > Epoch() && (committed_award.ring == ring || mutated("any_ring"));
    if (!adoptable || yielded || resigning || evicted || stopping ||
        !electorate.eligible(members)) {
        return;
    }
    if (committed > hold.held()) {
        attempt = Try{committed, committed_award};
        hold.begin(now, committed);
        beat_now = true;
        return;
    }
    const bool trying = attempt && attempt->epoch == committed;
    const bool has = casting && casting->epoch >= committed && casting->award.ring == ring;
    if (!trying && !has) {
        needed = std::max(needed, Epoch(hold.held().value() + 1));
    }
}

// C2 and C3 of what this node holds.
void Voter::Impl::check_hold() {
    const auto& own = slots.of(options.self).heartbeat;
    if (!attempt || own.known != Known::kSound) {
        return;
    }
    const auto confirmed = std::min(own.page.sequence, disks.round().own);
    Epoch later;
    for (std::uint32_t n = 1; n <= kMaxNodes; ++n) {
        if (!nodes().has(NodeId(n))) {
            continue;
        }
        const auto& ballot = slots.of(NodeId(n)).ballot;
        if (ballot.known == Known::kUnknown) {
            return;
        }
        if (ballot.page.epoch > attempt->epoch) {
            later = std::max(later, ballot.page.epoch);
        }
    }
    const bool settled = casting && casting->epoch == attempt->epoch;
    if ((later == Epoch() || mutated("no_handshake")) && settled) {
        wards.confirmed(confirmed);
    }
    if (!attempt->held) {
        if (attempt->written_with == 0 || attempt->written_with > confirmed) {
            return;
        }
        if (later > Epoch() && !mutated("no_handshake")) {
            needed = std::max(needed, Epoch(later.value() + 1));
            attempt.reset();
            beat_now = true;
            return;
        }
        attempt->held = true;
    }
    if (closed_epoch < attempt->epoch && closed_by_me()) {
        closed_epoch = attempt->epoch;
        beat_now = true;
    }
    if ((!casting || casting->epoch < attempt->epoch) &&
        (closed_epoch >= attempt->epoch || closed_by_mate() || mutated("nobody_closed"))) {
        casting = Casting{attempt->epoch, attempt->award};
        reason.clear();
        beat_now = true;
        note(LogLevel::kInfo, "votes", fmt::format("in epoch {}", casting->epoch.value()));
    }
}

// Whether that page lists a ward that may have votes of another ring than the award's: one that is
// not of the award, or that has been in the ring of who lists it after the last it wrote of itself.
// A machine's rings have numbers that grow.
bool Voter::Impl::lists_others(const Heartbeat& page) const {
    for (std::uint32_t n = 1; n <= kMaxNodes; ++n) {
        const NodeId ward(n);
        if (!page.wards.has(ward) || (ward == options.self && attempt->award.members.has(ward))) {
            continue;
        }
        const bool later = ring.sequence == page.ring.sequence ? !page.members.has(ward)
                                                               : ring.sequence > page.ring.sequence;
        const bool here = slots.of(ward).heartbeat.page.ring == ring;
        const bool came = page.ring == ring || (here && later) || mutated("wards_stay");
        if (!attempt->award.members.has(ward) || !came) {
            return !mutated("forget_wards");
        }
    }
    return false;
}

// C3, as this node read it after the epoch was decided.
bool Voter::Impl::closed_by_me() const {
    if (disks.round().submitted < committed_seen) {
        return false;
    }
    for (std::uint32_t n = 1; n <= kMaxNodes; ++n) {
        const NodeId node(n);
        if (!nodes().has(node) || node == options.self || slots.silent(node, timing.silence)) {
            continue;
        }
        // Who is of the award must have come along: it may have votes of a ring that this one
        // knows nothing of. And a ward may have been left behind.
        const auto& reading = slots.of(node).heartbeat;
        const bool along = attempt->award.members.has(node) && !reading.page.stopped &&
                           (reading.page.ring == ring || mutated("stragglers"));
        if (reading.known == Known::kUnknown || lists_others(reading.page) ||
            (!along && !closed(node))) {
            return false;
        }
    }
    return (wards.listed().bits() & ~attempt->award.members.bits()) == 0 || mutated("forget_wards");
}

bool Voter::Impl::closed(NodeId node) const {
    const auto& reading = slots.of(node).heartbeat;
    if (reading.known == Known::kBlank) {
        return true;
    }
    const auto it = fenced.find(node);
    if (it != fenced.end() && it->second.incarnation == reading.page.incarnation) {
        return true;
    }
    return reading.page.closes() || mutated("closed_when_seen");
}

bool Voter::Impl::closed_by_mate() const {
    for (std::uint32_t n = 1; n <= kMaxNodes; ++n) {
        const auto& reading = slots.of(NodeId(n)).heartbeat;
        if (attempt->award.members.has(NodeId(n)) && reading.known == Known::kSound &&
            reading.page.ring == attempt->award.ring && reading.page.closed == attempt->epoch) {
            return true;
        }
    }
    return false;
}

}  // namespace quorate::quorum
