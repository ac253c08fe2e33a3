#include <algorithm>

#include <fmt/core.h>

#include "mutation.hpp"
#include "voter_impl.hpp"

// This node's own pages: written, begun with what the last life left, mended.
namespace quorate::quorum {
namespace {

using std::chrono::milliseconds;

// A new life numbers its pages from well above what it reads: what the last one wrote last may be
// on some disk only.
constexpr std::uint64_t kLeap = 1024;
// A page of its own that it cannot read it replaces after so many readings.
constexpr std::uint32_t kUnreadable = 3;
constexpr std::uint32_t kConflicts = 3;
// No voter has ever written so often.
constexpr std::uint64_t kBeyondReason = std::uint64_t{1} << 62;

}  // namespace

// ---- writing

void Voter::Impl::beat() {
    beat_now = false;
    last_beat = now;
    Heartbeat page;
    page.node = options.self;
    page.sequence = ++sequence;
    page.cluster = options.cluster;
    page.incarnation = options.incarnation;
    page.boot = options.boot;
    page.ring = ring;
    page.members = members;
    page.votes = electorate.votes_of(members);
    page.state = state;
    page.trusted = trusted;
    page.score = score;
    page.held = hold.held();
    page.released = hold.released();
    page.closed = closed_epoch;
    page.needed = needed;
    page.wards = wards.listed();
    page.disk_step = settled_step.value_or(0);
    for (std::uint32_t n = 1; n <= kMaxNodes; ++n) {
        if (nodes().has(NodeId(n)) && slots.watch(NodeId(n)).readings > 0) {
            page.echoes.push_back({NodeId(n), slots.watch(NodeId(n)).sequence});
        }
    }
    page.rider = rider;
    if (stopping && !hold.any() && !vote_stands && wards.empty() && settled()) {
        page.stopped = true;
        stopped_with = stopped_with.value_or(sequence);
    }
    page.resets = options.resets;
    page.bound = bound && !unbindable && !page.stopped &&
                 !(state == VoterState::kEvicted && !options.resets);
    if (bound && !page.bound && !unbound_with) {
        unbound_with = sequence;
    }
    life.submitted(now, sequence);
    hold.submitted(now, sequence);
    wards.submitted(sequence);
    if (attempt && attempt->written_with == 0) {
        attempt->written_with = sequence;
    }
    disks.write(now, PageKind::kHeartbeat, sequence, encode(page));
}

void Voter::Impl::put_page(PageKind kind) {
    if (kind == PageKind::kRequest) {
        ++request.sequence;
        disks.write(now, kind, request.sequence, encode(request));
    } else {
        ++witness.sequence;
        disks.write(now, kind, witness.sequence, encode(witness));
    }
}

void Voter::Impl::put_ballot() {
    if (proposer.changed() && writes()) {
        proposer.written_as(disks.page(PageKind::kBallot).sequence + 1);
        disks.write(now, PageKind::kBallot, proposer.page().sequence, encode(proposer.page()));
    }
}

// No page but the heartbeat is under way: the next life believes at once what stands there.
bool Voter::Impl::settled() const {
    return !disks.writes(PageKind::kBallot) && !disks.writes(PageKind::kRequest) &&
           !disks.writes(PageKind::kWitness);
}

// To disks that may have none of them yet.
void Voter::Impl::put_all_pages() {
    proposer.write_again();
    put_page(PageKind::kRequest);
    put_page(PageKind::kWitness);
    beat_now = true;
}

// At the start: what the last life did not get to a majority of the disks that are used now.
void Voter::Impl::put_what_is_missing() {
    DiskSet ballots;
    DiskSet witnesses;
    const auto& own = slots.of(options.self);
    for (const auto& disk : disks.all()) {
        const auto& there = slots.on(disk.number, options.self);
        if (there.ballot.known == own.ballot.known && there.ballot.page == own.ballot.page) {
            ballots.add(disk.number);
            disks.assume(PageKind::kBallot, disk.number);
        }
        if (there.witness.known == own.witness.known && there.witness.page == own.witness.page) {
            witnesses.add(disk.number);
            disks.assume(PageKind::kWitness, disk.number);
        }
    }
    if (!disks.majority(ballots)) {
        proposer.write_again();
    }
    put_page(PageKind::kRequest);
    if (!disks.majority(witnesses) || own.witness.known == Known::kUnknown) {
        put_page(PageKind::kWitness);
    }
    beat_now = true;
}

// Others go on to the next step when this node's page says so: then nothing of it is on the disks
// that go only.
void Voter::Impl::settle_step() {
    if (settled_step == disk_step || !own_known || proposer.changed()) {
        return;
    }
    for (auto kind : {PageKind::kBallot, PageKind::kRequest, PageKind::kWitness}) {
        if (!disks.has(kind, disks.page(kind).sequence)) {
            return;
        }
    }
    beat_now = beat_now || settled_step;  // at the start the next heartbeat is soon enough
    settled_step = disk_step;
}

void Voter::Impl::take(const PageWritten& input) {
    const auto done = disks.written(now, input, trust.trusted());
    if (!done) {
        return;
    }
    const bool last = done->kind != PageKind::kHeartbeat && stopping && !stopped_with && settled();
    beat_now = beat_now || last;
    if (done->kind == PageKind::kHeartbeat) {
        trust.wrote(done->disk, now - done->submitted <= timing.late_io);
        read_now = read_now || !trusted || (done->completed && eager());
        if (done->completed && mutated("no_read_back")) {
            hold.confirmed(now, disks.page(PageKind::kHeartbeat).completed);
        }
    } else if (done->kind == PageKind::kBallot && done->completed &&
               disks.page(PageKind::kBallot).completed == proposer.page().sequence) {
        proposer.completed(now);
        read_now = true;
    } else if (done->kind == PageKind::kWitness && done->completed) {
        read_now = read_now || !owed_witnesses.empty();
    }
}

// ---- what stands there

// An old write that came late, or another voter in this place: that may have votes until it has
// read this one's page, or for the silence after it wrote last.
void Voter::Impl::foreign(std::uint64_t foreign_sequence) {
    if (mutated("ignore_foreign")) {
        return;
    }
    if (foreign_sequence >= first_sequence) {
        ++conflicts;  // whoever wrote it has read what this life wrote
    }
    sequence = std::max(sequence, foreign_sequence + kLeap);
    probation = timing.silence;
    shown_since.reset();
    if (conflicts >= kConflicts && !evicted) {
        evicted = silenced = true;
        bound = false;  // what the page says is another's
        note(LogLevel::kError, "evicted", "another voter has this node's place on the disk");
    }
    resign("another voter wrote this node's page");
    beat_now = true;
}

// The greatest number of this node's heartbeats that anybody has read, itself included: its last
// life's last page may land late, over the first ones of this life.
std::uint64_t Voter::Impl::seen() const {
    const auto own = slots.watch(options.self).sequence;
    std::uint64_t greatest = own < kBeyondReason ? own : 0;
    for (std::uint32_t n = 1; n <= kMaxNodes; ++n) {
        for (const auto& echo : slots.of(NodeId(n)).heartbeat.page.echoes) {
            if (echo.node == options.self && echo.sequence < kBeyondReason) {
                greatest = std::max(greatest, echo.sequence);
            }
        }
    }
    return greatest;
}

// What the last life left: from where to number on, what to keep.
void Voter::Impl::learn_own_pages() {
    const auto& own = slots.of(options.self);
    const bool unknown =
        own.heartbeat.known == Known::kUnknown || own.ballot.known == Known::kUnknown ||
        own.request.known == Known::kUnknown || own.witness.known == Known::kUnknown;
    if (unknown && ++unreadable_rounds < kUnreadable) {
        return;
    }
    sequence = std::max(sequence, seen());
    const auto& page = own.heartbeat.page;
    const bool fresh = own.heartbeat.known == Known::kBlank;
    sequence = fresh ? 0 : std::max(sequence, page.sequence) + kLeap;
    first_sequence = sequence;
    hold.restore(own.heartbeat.known == Known::kSound ? page.held
                 : fresh                              ? Epoch()
                                                      : newest_epoch());
    if (own.heartbeat.known == Known::kUnknown) {
        wards.restore(now, nodes());  // it may have listed any
    } else if (!mutated("forget_last_wards")) {
        wards.restore(now, page.wards);
    }
    auto seen_by_last = page.members;
    seen_by_last.remove(options.self);
    sightings.seen(page.ring, seen_by_last);
    if (rider.empty()) {
        rider = page.rider;
    }
    for (auto kind : {PageKind::kBallot, PageKind::kRequest, PageKind::kWitness}) {
        disks.page(kind).sequence =
            kLeap + std::max({own.ballot.page.sequence, own.request.page.sequence,
                              own.witness.page.sequence});
    }
    request.sequence = disks.page(PageKind::kRequest).sequence;
    witness = own.witness.page;
    for (const auto& disk : disks.all()) {
        // Where a majority shows none that is whole, what any disk has is better than nothing.
        for (const auto& word : slots.on(disk.number, options.self).witness.page.sets) {
            learn(word);
        }
    }
    witness.node = options.self;
    witness.cluster = options.cluster;
    witness.sequence = request.sequence;
    auto ballot = own.ballot.page;
    ballot.node = options.self;
    ballot.cluster = options.cluster;
    proposer.restore(ballot);
    const bool orderly = fresh || (own.heartbeat.known == Known::kSound && page.stopped);
    probation = orderly || mutated("no_probe") ? milliseconds(0) : timing.silence;
    own_known = true;
    rings_missed = has_missed_rings(std::max(first_ring.seen_before, page.ring.sequence));
    if (own.ballot.known == Known::kUnknown) {
        proposer.replace_damaged(Epoch(newest_epoch().value() + 1));
    }
    put_what_is_missing();
    for (const auto& one : std::exchange(early_witnesses, {})) {
        take(one);
    }
    note(LogLevel::kInfo, "disk_found", fmt::format("held {}", hold.held().value()));
}

// What the last life had under way may land after this one has read its pages. Torn, nobody else
// can put it right, and all wait for it; whole, it may be newer to them than what this life writes.
void Voter::Impl::mend() {
    if (!writes()) {
        return;
    }
    if (const auto greatest = seen(); greatest > sequence) {
        sequence = greatest + kLeap;
        beat_now = true;
    }
    const auto& own = slots.of(options.self);
    const auto lacks = [&](PageKind kind) {
        return settled_step != disk_step && !disks.writes(kind) &&
               !disks.has(kind, disks.page(kind).sequence);
    };
    if (own.ballot.known == Known::kUnknown || lacks(PageKind::kBallot)) {
        proposer.write_again();
    }
    if (own.request.known == Known::kUnknown || lacks(PageKind::kRequest)) {
        put_page(PageKind::kRequest);
    }
    // What an earlier life had under way came over it: all that is known counts.
    if (own.witness.known == Known::kSound && disks.round().witness == witness.sequence &&
        own.witness.page.sets != witness.sets) {
        for (const auto& word : own.witness.page.sets) {
            learn(word);
        }
        witness.sequence = std::max(witness.sequence, own.witness.page.sequence);
        put_page(PageKind::kWitness);
    }
    // Whoever waits for one is told when it was read: a write that failed, or that was reported and
    // is not there, is repeated.
    const bool failed = !owed_witnesses.empty() && !disks.writes(PageKind::kWitness) &&
                        !witness_shown(witness.sequence);
    if (own.witness.known == Known::kUnknown || lacks(PageKind::kWitness) || failed) {
        put_page(PageKind::kWitness);
    }
}

}  // namespace quorate::quorum
