#include <algorithm>

#include <fmt/core.h>

#include "mutation.hpp"
#include "voter_impl.hpp"

// Readings of everybody's pages, and what follows from them.
namespace quorate::quorum {

void Voter::Impl::read() {
    read_now = false;
    disks.read(now, pages_for(electorate.highest()));
}

void Voter::Impl::take(const PagesRead& input) {
    const auto ended = disks.read_ended(input);
    if (!ended || !ended->ok || input.bytes.size() < pages_for(electorate.highest()) * kPageBytes) {
        return;
    }
    const auto disk = std::ranges::find(disks.all(), ended->disk, &DiskUsed::number);
    if (disk == disks.all().end()) {
        return;
    }
    slots.read(ended->disk, input.bytes);
    const auto& own = slots.on(ended->disk, options.self);
    disks.seen(PageKind::kHeartbeat, ended->disk, own.heartbeat.side, ended->submitted);
    disks.seen(PageKind::kBallot, ended->disk, own.ballot.side, ended->submitted);
    disks.seen(PageKind::kRequest, ended->disk, own.request.side, ended->submitted);
    disks.seen(PageKind::kWitness, ended->disk, own.witness.side, ended->submitted);
    const auto before = trust.trusted();
    const auto finding = trust.judge(now, slots, *disk, options.cluster, *ended);
    if (!finding.problem.empty() && before.has(ended->disk)) {
        note(LogLevel::kWarn, "disk_not_trusted", finding.problem);
        if (hold.any() && !disks.majority(trust.trusted())) {
            resign("the disk is not trusted");
        }
    }
    if (finding.foreign) {
        foreign(slots.on(ended->disk, options.self).heartbeat.page.sequence);
    }
    if (ended->round == disks.round().number && !disks.round().over) {
        disks.count(ended->disk);
        end_round();
    }
}

void Voter::Impl::end_round() {
    const auto& round = disks.round();
    const auto solid = disks.majority(round.done & trust.trusted());
    const bool all = round.done == round.begun;
    if (!solid && !(all && disks.majority(round.done))) {
        return;
    }
    slots.merge(disks, solid ? round.done & trust.trusted() : round.done, nodes(), round.submitted,
                now);
    last_merge_begun = round.submitted;
    disks.close_round();
    looked(solid);
}

void Voter::Impl::looked(bool solid) {
    if (!own_known) {
        // What the last life published is over by then.
        const bool out = withdrawn && now - started >= options.publish;
        if (out || mutated("write_before_withdrawal")) {
            learn_own_pages();
        }
        return;
    }
    mend();
    confirm_life();
    trusted = disks.majority(trust.trusted()) && shown_since && now >= *shown_since + probation;
    if (!trusted || !solid) {
        return;
    }
    bind();
    look_for_fences();
    confirm_own();
    check_hold();
    switch (proposer.look(slots, nodes(), disks.round().submitted)) {
        case Proposer::Outcome::kCommitted:
            note(LogLevel::kInfo, "epoch_decided",
                 fmt::format("epoch {}", proposer.page().committed.value()));
            break;
        case Proposer::Outcome::kLost:
            note(LogLevel::kInfo, "epoch_lost",
                 fmt::format("epoch {}", proposer.page().epoch.value()));
            break;
        case Proposer::Outcome::kNone:
            break;
    }
    adopt();
    decide();
    follow_fences();
    answer_readings();
}

// What was on a majority when this reading began, and was read: leases count from it. C5: only
// disks count that show this voter's page (Trust::judge).
void Voter::Impl::confirm_own() {
    const auto& own = slots.of(options.self).heartbeat;
    if (own.known != Known::kSound) {
        return;
    }
    const auto confirmed = std::min(own.page.sequence, disks.round().own);
    hold.confirmed(now, confirmed);
    std::erase_if(owed_riders, [&](const Owed& owed) {
        if (owed.sequence > confirmed) {
            return false;
        }
        outputs.push_back(RiderWritten{owed.number, may_cast()});
        return true;
    });
    std::erase_if(owed_witnesses, [&](const Owed& owed) {
        if (!witness_shown(owed.sequence)) {
            return false;
        }
        outputs.push_back(WitnessWritten{owed.number, may_cast(), false});
        return true;
    });
}

// A majority of disks that are trusted showed it when they were read last.
bool Voter::Impl::witness_shown(std::uint64_t since) const {
    DiskSet showing;
    for (const auto& disk : disks.all()) {
        const auto& page = slots.on(disk.number, options.self).witness;
        if (trust.trusted().has(disk.number) && page.known == Known::kSound &&
            page.page.sequence >= since) {
            showing.add(disk.number);
        }
    }
    return disks.majority(showing);
}

void Voter::Impl::answer_readings() {
    std::erase_if(owed_readings, [&](const Asked& one) {
        if (one.when > last_merge_begun) {
            return false;
        }
        ReadDone done;
        done.number = one.number;
        for (std::uint32_t n = 1; n <= kMaxNodes; ++n) {
            const auto& pages = slots.of(NodeId(n));
            if (!nodes().has(NodeId(n))) {
                continue;
            }
            if (pages.heartbeat.known == Known::kUnknown ||
                pages.witness.known == Known::kUnknown) {
                return false;
            }
            if (!pages.heartbeat.page.rider.empty()) {
                done.riders.push_back(pages.heartbeat.page.rider);
            }
            auto& known = NodeId(n) == options.self ? done.own : done.others;
            known = together(known, pages.witness.page.sets);
        }
        outputs.push_back(std::move(done));
        return true;
    });
}

}  // namespace quorate::quorum
