#include <algorithm>

#include <fmt/core.h>

#include "mutation.hpp"
#include "voter_impl.hpp"

// Who has the votes, and what votequorum is told.
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
        auto ballot = slots.of(NodeId(n)).ballot;
        if (ballot.page.accepted > 0 && mutated("undecided")) {
            ballot.page.committed = ballot.page.epoch;
            ballot.page.committed_award = ballot.page.award;
        }
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

// C3, as this node read it after the epoch was decided.
bool Voter::Impl::closed_by_me() const {
    if (disks.round().submitted < committed_seen) {
        return false;
    }
    const auto outside = [&](NodeSet listed) {
        return (listed.bits() & ~attempt->award.members.bits()) != 0 && !mutated("forget_wards");
    };
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
        if (reading.known == Known::kUnknown || outside(reading.page.wards) ||
            (!along && !closed(node))) {
            return false;
        }
    }
    return !outside(wards.listed());
}

bool Voter::Impl::closed(NodeId node) const {
    const auto& reading = slots.of(node).heartbeat;
    if (reading.known == Known::kBlank) {
        return true;
    }
    const auto it = fenced.find(node);
    if (it != fenced.end() && it->second == reading.page.incarnation) {
        return true;
    }
    return reading.page.closes() || mutated("closed_when_seen");
}

bool Voter::Impl::closed_by_mate() const {
    for (std::uint32_t n = 1; n <= kMaxNodes; ++n) {
        const auto& reading = slots.of(NodeId(n)).heartbeat;
        if (attempt->award.members.has(NodeId(n)) && reading.known == Known::kSound &&
            reading.page.closed == attempt->epoch) {
            return true;
        }
    }
    return false;
}

// ---- the vote

// C4: of this node, or of the one that it is a ward of.
bool Voter::Impl::lease_runs() const { return hold.runs(now) || (grant && now < grant->until); }

BootTime Voter::Impl::lease_end() const {
    auto end = hold.runs(now) ? *hold.until() : BootTime();
    if (grant) {
        end = std::max(end, grant->until);
    }
    return mutated("no_lease") || mutated("feed_always") ? BootTime::max() : end;
}

bool Voter::Impl::may_cast() const {
    if (!have_ring || evicted || resigning || stopping) {
        return false;
    }
    if (grant && grant->award.ring == ring && now < grant->until) {
        return true;
    }
    return casting && (casting->award.ring == ring || mutated("any_ring")) && hold.runs(now);
}

void Voter::Impl::resign(std::string why) {
    reason = std::move(why);
    attempt.reset();
    casting.reset();
    grant.reset();
    proposer.abandon();
    if (hold.any() && !resigning) {
        resigning = true;
        recall_wards();
        note(LogLevel::kInfo, "resigns", reason);
    }
    if (mutated("release_first")) {
        finish_resigning();
    }
}

// First nothing of this node's counts any more, then its page says so.
void Voter::Impl::finish_resigning() {
    const bool out = !vote_stands && (now >= published_until || !published) && wards.empty();
    if (resigning && (out || mutated("release_first"))) {
        hold.release();
        resigning = false;
        published = false;
        needed = std::max(needed, Epoch(hold.released().value() + 1));
        beat_now = true;
    }
}

void Voter::Impl::vote() {
    if (poll_under_way || !have_ring) {
        return;
    }
    const bool due = now - last_poll >= timing.poll || polled_ring != ring;
    const bool cast = may_cast();
    if (cast) {
        if (due || !last_cast) {
            poll(true);
        }
        return;
    }
    if (!waits_to_answer() && (due || (vote_stands && last_cast))) {
        poll(false);
    }
}

// The ring waits for a word while it is found out whether it can have the votes; meanwhile what was
// cast for the last ring stands, as long as the lease does.
bool Voter::Impl::waits_to_answer() const {
    return !may_cast() && vote_stands && last_cast && polled_ring != ring && trusted && !yielded &&
           !resigning && hold.runs(now) && electorate.eligible(members) &&
           !electorate.natural(members);
}

void Voter::Impl::poll(bool cast) {
    poll_under_way = true;
    last_poll = now;
    last_cast = cast;
    polled_ring = ring;
    vote_stands = vote_stands || cast;
    outputs.push_back(Poll{ring, cast, cast ? lease_end() : BootTime::max()});
}

void Voter::Impl::take(const Polled& input) {
    poll_under_way = false;
    if (!input.ok) {
        // The ring has changed: its notification comes, and is answered anew.
        last_cast = input.cast && last_cast;
        return;
    }
    if (!input.cast) {
        vote_stands = false;
        withdrawn = true;
        settle_grant();
    }
}

bool Voter::Impl::publishes() const {
    return options.publish > milliseconds::zero() && may_cast() && vote_stands && last_cast &&
           !poll_under_way;
}

void Voter::Impl::publish() {
    if (options.publish == milliseconds::zero()) {
        return;
    }
    if (publishes() && (now - last_publish >= timing.poll / 2 || !published)) {
        auto until = grant && grant->award.ring == ring ? grant->until : BootTime();
        until = std::max(until, hold.until().value_or(until));
        until = std::min(until, now + options.publish);
        last_publish = now;
        published = true;
        published_until = std::max(published_until, until);
        outputs.push_back(Publish{ring, electorate.disk_votes(), until});
    } else if (!may_cast() && published && last_publish != BootTime()) {
        last_publish = BootTime();
        outputs.push_back(Publish{ring, 0, BootTime()});
    }
}

// While a vote may stand it is the lease that keeps the machine alive.
void Voter::Impl::feed() {
    if (timing.mode() != StopMode::kWatchdog || now - last_feed < timing.poll / 2) {
        return;
    }
    if (!vote_stands || lease_runs() || mutated("feed_always")) {
        last_feed = now;
        outputs.push_back(FeedWatchdog{vote_stands ? lease_end() : BootTime::max()});
    }
}

}  // namespace quorate::quorum
