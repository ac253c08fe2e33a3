#include <algorithm>

#include "voter_impl.hpp"

// When what is due: a voter that has nothing to do sleeps.
namespace quorate::quorum {
namespace {

using std::chrono::milliseconds;

// Between two readings while something is being decided.
constexpr milliseconds kHurry(250);
// Whatever was overlooked here must not keep a processor busy.
constexpr milliseconds kRest(1);

}  // namespace

// A disk that nothing is heard of is trusted for one lease; while the node holds votes for two,
// because so long what was submitted in the last lease may come back.
milliseconds Voter::Impl::patience() const { return hold.any() ? 2 * timing.lease : timing.lease; }

// The ring is new, and it is not known yet whether it has the votes.
bool Voter::Impl::hurried() const {
    return now - ring_since < timing.silence + timing.lease &&
           !(casting && casting->award.ring == ring);
}

// Something waits for what was written to be read back.
bool Voter::Impl::eager() const {
    const bool trying = attempt && !(casting && casting->epoch == attempt->epoch);
    return !trusted || trying || hurried() || wards.waiting() || !owed_riders.empty() ||
           !owed_witnesses.empty() || stopped_with || unbound_with;
}

// In quiet times one reading for every heartbeat, half an interval after it: it shows everybody's
// pages and that the heartbeat arrived, and of two voters in one place one reads what the other
// wrote.
BootTime Voter::Impl::next_reading() const {
    const auto& round = disks.round();
    const auto free = round.over ? BootTime() : round.submitted + timing.late_io;
    if (read_now) {
        return free;
    }
    if (hurried()) {
        return std::max(free, round.submitted + kHurry);
    }
    const auto without = round.submitted + timing.heartbeat * (writes() ? 3 : 2) / 2;
    const auto& own = disks.page(PageKind::kHeartbeat);
    const auto middle = last_beat + timing.heartbeat / 2;
    // While it probes the reading in the middle is one more.
    const bool unread = own.completed == own.sequence && round.own < own.sequence;
    const bool probes = !trusted && round.submitted < middle;
    return std::max(free, unread || probes ? std::min(middle, without) : without);
}

BootTime Voter::Impl::deadline() const {
    auto next = now + timing.silence;  // with nothing to do at all
    const auto at = [&](BootTime when) { next = std::min(next, when); };
    at(trust.deadline(patience()));
    at(wards.deadline());
    if (!resigning) {
        at(hold.dead_at());
    }
    if (hold.runs(now)) {
        at(*hold.until());
    }
    if (poll_under_way && hold.any() && !resigning) {
        at(last_poll + timing.vote_timeout);
    }
    if (grant) {
        at(grant->until);
    }
    if (have_ring && !poll_under_way && !waits_to_answer()) {
        at(last_poll + timing.poll);
    }
    if (timing.mode() == StopMode::kWatchdog && now < fed_until()) {
        at(last_feed + timing.poll / 2);
    }
    if (publishes()) {
        at(last_publish + timing.poll / 2);
    } else if (published && published_until > now) {
        at(published_until);  // so long its release waits
    }
    if (configured && !disks.empty() && have_ring) {
        if (writes()) {
            at(last_beat + timing.heartbeat);
        }
        at(next_reading());
        at(last_talk + timing.heartbeat);
    }
    return std::max(next, now + kRest);
}

}  // namespace quorate::quorum
