#include <algorithm>

#include "mutation.hpp"
#include "voter_impl.hpp"

// What votequorum, the watchdog and clusterd are told.
namespace quorate::quorum {

using std::chrono::milliseconds;

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

// Corosync stands still: what it may count cannot be taken back, and a vote would have aged by now.
// Only silence tells the others that this node is out; so nothing is written until it goes on.
bool Voter::Impl::unanswered() const {
    return poll_under_way && hold.any() && now >= last_poll + timing.vote_timeout;
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
    polled_well = last_poll;
    polled_well_ring = input.ring;
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

}  // namespace quorate::quorum
