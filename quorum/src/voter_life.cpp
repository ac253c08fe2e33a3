#include <algorithm>

#include <fmt/core.h>

#include "mutation.hpp"
#include "voter_impl.hpp"

// What keeps this node's machine alive, and what others may conclude from its silence.
//
// While a vote may stand it is the lease of the votes that feeds the watchdog. Beside that, once
// the page has said that the watchdog binds this voter, the watchdog is fed only while others can
// tell that the voter lives: for a lease from the submission of a heartbeat that was read back; or
// while one that has a path to the disk lists this node as its ward; or for a lease from when all
// of a ring that has votes enough without the disk said that they hear it. So the loss of the disk
// does nothing to a cluster that does not need its votes, and whoever reads a page that stays as it
// is, in a ring that could have quorum and does not hear its writer, knows that the machine of the
// writer has been reset (docs/decisions/quorum-disk-fencing.md).
namespace quorate::quorum {
namespace {

// Corosync counts at least so far on with each ring, and one more when it starts.
constexpr std::uint64_t kRingStep = 4;

}  // namespace

// The end of whichever leave is the shorter; the past: there is none.
BootTime Voter::Impl::fed_until() const {
    if (mutated("feed_always")) {
        return BootTime::max();
    }
    if (evicted && !silenced && options.resets && !mutated("feed_evicted")) {
        return BootTime();  // its page promises so
    }
    auto until = vote_stands ? lease_end() : BootTime::max();
    if (bound && !mutated("feed_unheard_of")) {
        until = std::min(until, std::max(life.until(), grant ? grant->until : BootTime()));
    }
    return until;
}

void Voter::Impl::feed() {
    const auto until = fed_until();
    if (timing.mode() == StopMode::kWatchdog && now - last_feed >= timing.poll / 2 && now < until) {
        last_feed = now;
        outputs.push_back(FeedWatchdog{until});
    }
}

// ---- by the page

void Voter::Impl::bind() {
    const bool may = !bound && !binding && !unbindable && !stopping && !evicted;
    if (timing.mode() == StopMode::kWatchdog && may) {
        binding = true;
        outputs.push_back(Binds{});
    }
}

void Voter::Impl::take(const Bound& input) {
    binding = false;
    unbindable = unbindable || !input.ok;
    bound = bound || input.ok;
    beat_now = true;
    if (!input.ok) {
        note(LogLevel::kError, "not_bound",
             "no watchdog resets this machine if it is to be fenced");
    }
}

// The newest heartbeat of this life that was written to a majority of disks and that they showed
// when they were read last. Trust is not asked for: a life that follows another must show itself
// before it has any.
std::uint64_t Voter::Impl::shown() const {
    const auto showing = disks.round().done & trust.sane();
    const auto on = [&](DiskNumber disk) -> std::uint64_t {
        const auto& own = slots.on(disk, options.self).heartbeat;
        const bool mine = own.known == Known::kSound && own.page.incarnation == options.incarnation;
        const auto written = disks.page(PageKind::kHeartbeat).on_disk[disk.value()];
        return showing.has(disk) && mine ? std::min(own.page.sequence, written) : 0;
    };
    std::uint64_t greatest = 0;
    for (const auto& candidate : disks.all()) {
        DiskSet agreeing;
        for (const auto& disk : disks.all()) {
            if (on(disk.number) >= on(candidate.number)) {
                agreeing.add(disk.number);
            }
        }
        if (disks.majority(agreeing)) {
            greatest = std::max(greatest, on(candidate.number));
        }
    }
    return greatest;
}

void Voter::Impl::confirm_life() {
    const auto confirmed = shown();
    if (confirmed == 0) {
        return;
    }
    shown_since = shown_since.value_or(mutated("silence_of_the_start") ? started : now);
    life.confirmed(confirmed);
    if (unbound_with && confirmed >= *unbound_with) {
        bound = false;
        unbound_with.reset();
    }
    if (stopped_with && !stopped && confirmed >= *stopped_with) {
        stopped = true;
        outputs.push_back(Stopped{});
    }
}

// ---- by what others say

NodeSet Voter::Impl::others() const {
    auto set = members;
    set.remove(options.self);
    return set;
}

// The page may have lost its effect before long, and the ring needs no disk; or a silence is only
// proof if this ring still stands after it.
bool Voter::Impl::wants_words() const {
    const bool fades = bound && life.until() - now < timing.lease - 2 * timing.heartbeat;
    return !wanted.empty() ||
           (timing.mode() == StopMode::kWatchdog && fades && electorate.natural(members));
}

// All its members but that one were in this ring then, this node included.
std::optional<BootTime> Voter::Impl::ring_stood(NodeId but) const {
    const auto stood = words.all_heard(but);
    if (!stood || polled_well_ring != ring) {
        return std::nullopt;
    }
    return std::min(*stood, polled_well);
}

void Voter::Impl::hear(NodeId from, const AskWord& message) {
    const bool stands = have_ring && polled_well_ring == ring && now - polled_well < timing.lease;
    if (!stands || message.ring != ring || !members.has(from) || condemned(from)) {
        return;
    }
    const auto age = static_cast<std::uint64_t>((now - polled_well).count());
    say(from, GiveWord{message.nonce, ring, age, sighted()});
}

void Voter::Impl::hear(NodeId from, const GiveWord& message) {
    const auto most = std::chrono::microseconds(timing.lease);
    const std::chrono::microseconds age(
        std::min<std::uint64_t>(message.age_us, static_cast<std::uint64_t>(most.count())));
    if (message.ring != ring) {
        return;
    }
    sightings.heard(message.sightings);
    words.heard(from, message.nonce, age);
    if (const auto stood = ring_stood(); stood && electorate.natural(members)) {
        life.known(*stood);
    }
}

// ---- whom it may have met

// There is room for a ring between that one, the last of the life before, and the first of this.
bool Voter::Impl::has_missed_rings(std::uint64_t since) const {
    return first_ring.id.sequence >= since + 2 * kRingStep && !mutated("no_ring_missed");
}

// In a ring that it missed, because it was frozen or did not run. It matters where that ring can
// have had quorum without those who are here now, each of whom knows of its own rings.
NodeSet Voter::Impl::perhaps_met() const {
    NodeSet missed(nodes().bits() & ~members.bits());
    missed.add(options.self);
    return electorate.natural(missed) ? NodeSet(nodes().bits() & ~first_ring.members.bits())
                                      : NodeSet();
}

void Voter::Impl::doubt_missed_rings() {
    if (!rings_missed || perhaps_met().empty()) {
        return;
    }
    rings_missed = false;
    note(LogLevel::kInfo, "rings_missed", fmt::format("before {}", first_ring.id.sequence));
    sightings.seen(first_ring.id, perhaps_met());
}

// What it tells others. Without its own page, which may show that it missed nothing, it does not
// know.
std::vector<Sighting> Voter::Impl::sighted() const {
    auto said = sightings;
    if (!own_known && has_missed_rings(first_ring.seen_before)) {
        said.seen(first_ring.id, perhaps_met());
    }
    return said.all();
}

}  // namespace quorate::quorum
