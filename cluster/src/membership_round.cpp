#include <algorithm>

#include <fmt/core.h>

#include "membership_impl.hpp"
#include "mutation.hpp"

namespace quorate::cluster {

Hello Membership::Impl::hello_now() const {
    Hello hello;
    hello.configuration = round->configuration();
    hello.attempt = attempt;
    hello.self = options.self;
    hello.self.votes = quorum->votes;
    hello.self.directory_weight = options.self.draining ? 0 : options.self.directory_weight;
    hello.cluster_name = options.cluster_name;
    hello.key_fingerprint = options.key_fingerprint;
    hello.floor = mutated("forget_floor") ? Epoch(0) : floor.epoch;
    hello.disk_floor = disk_counts() ? disk.floor().epoch : Epoch(0);
    hello.lineage = disk_counts() ? merge(floor, disk.floor()).lineage : floor.lineage;
    hello.joined = joined;
    hello.may_have_joined = joined == Epoch(0) ? doubt.may_have_joined() : Epoch(0);
    hello.quorate = quorum->quorate;
    hello.expected_votes = quorum->expected_votes;
    hello.quorum = quorum->quorum;
    hello.disk_votes = disk_counts() ? disk.votes() : 0;
    hello.wanted_level = wanted_level;
    hello.taken_over = taken_over;
    return hello;
}

// What the round itself changed (floor, lineage, joined) is no news. What the quorum disk knows and
// this node does not is.
bool Membership::Impl::news(const Hello& last, const Hello& next) const {
    return next.configuration != last.configuration || next.self != last.self ||
           next.quorate != last.quorate || next.expected_votes != last.expected_votes ||
           next.quorum != last.quorum || next.disk_votes != last.disk_votes ||
           next.wanted_level != last.wanted_level ||
           next.disk_floor > std::max({last.disk_floor, last.floor, floor.epoch});
}

// Says hello if there is news. Only when votequorum has spoken for this ring, and the quorum disk
// if it is ours: what they said of the last one may be stale.
void Membership::Impl::announce() {
    if (!loaded || !round || !quorum || quorum->ring != round->ring()) {
        return;
    }
    if (disk.is_of(ring(), now) && !disk_counts()) {
        return;
    }
    auto hello = hello_now();
    if (last_hello && !news(*last_hello, hello)) {
        return;
    }
    // Its last word in this round may have reached the disk, and those who are not in the group.
    if (joined == Epoch(0) && (round->disk_spoken() || disk_counts())) {
        doubt.may_be_written();
        hello.may_have_joined = doubt.may_have_joined();
    }
    hello.attempt = ++attempt;
    last_hello = hello;
    if (round->group_size() > 1) {
        doubt.says(hello);
    }
    multicast(hello);
}

// This member's last word among them. A member never vouches for what was computed from an earlier
// word of its own: so whoever vouched for an epoch says a floor of at least that epoch in every
// later word.
bool Membership::Impl::all_have_spoken() const {
    return round && round->complete() && attempt != 0 && round->attempt_of(self) == attempt;
}

const Proposal* Membership::Impl::proposal_to_vouch_for() {
    if (!all_have_spoken()) {
        return nullptr;
    }
    const auto& decision = round->decision();
    return decision.proposal ? &*decision.proposal : nullptr;
}

void Membership::Impl::progress() {
    if (all_have_spoken() && may_stay(round->decision())) {
        prepare(*round->decision().proposal);
    } else if (round && leaves) {
        commit_if_agreed();
    }
}

// What refuses this life may be made from a word of before it joined: a newcomer that was silent
// until then would outvote the members.
bool Membership::Impl::judged_too_early(const Decision& decision) const {
    const bool refused =
        std::ranges::find(decision.refused, self, &Verdict::process) != decision.refused.end();
    return refused && (!last_hello || last_hello->joined < joined) && !mutated("stale_word");
}

bool Membership::Impl::may_stay(const Decision& decision) {
    waits_for_earlier_lives = others_wait = false;
    leaves.reset();
    if (judged_too_early(decision)) {
        announce_again();
        return false;
    }
    for (const auto& [process, refusal] : decision.refused) {
        others_wait = others_wait || refusal.cause == Refusal::Cause::kEarlierLives;
        const auto known = reported.find(process);
        if (known == reported.end() || known->second != refusal.cause) {
            reported.insert_or_assign(process, refusal.cause);
            out.push_back(refusal);
        }
        if (process != self) {
            continue;
        }
        if (refusal.cause == Refusal::Cause::kEarlierLives) {
            waits_for_earlier_lives = true;
        } else if (joined == Epoch(0) && decision.proposal) {
            // Its end would change the group before the others are a view, and they had to doubt
            // whether they are; one after the other they would be refused, and end, for ever.
            leaves = refusal.text;
        } else {
            expel(refusal.text);
            return false;
        }
    }
    if (others_wait && has_taken_over_since()) {
        announce_again();
        return false;
    }
    return !waits_for_earlier_lives && !leaves;
}

// Its last word does not have all lives that it was told to take over from.
bool Membership::Impl::has_taken_over_since() const {
    return last_hello && std::ranges::any_of(taken_over, [&](MemberId id) {
               const auto& said_so = last_hello->taken_over;
               return std::ranges::find(said_so, id) == said_so.end();
           });
}

void Membership::Impl::prepare(const Proposal& proposal) {
    const auto epoch = proposal.view.epoch;
    const bool done = vouched && vouched->epoch == epoch && vouched->proposal == proposal.hash;
    if (writing || done) {
        return;
    }
    if (!last_hello) {
        return;  // it has to speak again first, and could not yet
    }
    // The floor rose since its last word, and the lineage with it: the others cannot know, and with
    // another's higher floor the epoch alone does not show it.
    if (last_hello->floor < floor.epoch && !mutated("vouch_twice")) {
        announce_again();
        return;
    }
    // A membership without quorum is nobody's lineage.
    writing =
        Writing{{epoch, proposal.view.quorate ? proposal.lineage : floor.lineage}, proposal.hash};
    if (mutated("vouch_before_flush")) {
        vouch_for(proposal);
    }
    if (disk_counts()) {  // from there the others may read it at any time
        doubt.written(*last_hello);
    }
    out.push_back(WriteFloor{writing->floor, disk_counts()});
}

void Membership::Impl::vouch_for(const Proposal& proposal) {
    vouched = Vouch{round->configuration(), proposal.view.epoch, proposal.hash};
    vouched_quorum = proposal.view.quorum;
    disk.vouches();
    multicast(*vouched);
}

void Membership::Impl::commit_if_agreed() {
    if (!round->complete() || !round->agreed()) {
        return;
    }
    if (leaves) {
        expel(std::string(*leaves));
        return;
    }
    const auto& proposal = *round->decision().proposal;
    const bool among = std::ranges::find(proposal.vouchers, self) != proposal.vouchers.end();
    if (among && (!view || proposal.view.epoch > view->epoch)) {
        commit(proposal);
    }
}

void Membership::Impl::declare_silent() {
    for (const auto& member : round->missing()) {
        if (member != self) {
            multicast(Silent{round->configuration(), member, round->attempt_of(member)});
        }
    }
}

}  // namespace quorate::cluster
