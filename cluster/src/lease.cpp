#include "cluster/lease.hpp"

#include <algorithm>
#include <functional>
#include <numeric>

#include "cluster/machine.hpp"
#include "mutation.hpp"

namespace quorate::cluster {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// Of any clock against any other, per thousand: each is off by at most half of it.
constexpr std::int64_t kClockError = 2;
// Times are rounded to microseconds, here and there.
constexpr microseconds kRounding{4};

// How long a clock must have run at least, so that one that runs as slow as any shows `length`.
microseconds surely(milliseconds length) {
    const microseconds time = length;
    if (mutated("ignore_clock_error")) {
        return time;
    }
    // 1.001 / 0.999 is less than 1 + 2.01 / 1000.
    return time + time * (kClockError * 100 + 1) / 100'000 + kRounding;
}

std::uint32_t votes_of(const View& view) {
    return std::accumulate(
        view.members.begin(), view.members.end(), 0U,
        [](std::uint32_t sum, const Member& member) { return sum + member.votes; });
}

}  // namespace

Lease::Lease(LeaseOptions options, BootTime now) : options_(options), started_(now) {}

// ---- the view

void Lease::adopt(BootTime now, const View& view) {
    view_ = view;
    lost_quorum_ = false;
    quorum_ = view.quorum;
    disk_acknowledged_.reset();
    disk_asked_.reset();
    if (view.quorate && votes_of(view) < view.quorum && !mutated("forget_disk_view")) {
        needed_disk_ = now;
    }
    std::erase_if(heard_by_, [&](const auto& one) { return view.find(one.first) == nullptr; });
    std::erase_if(given_, [&](const auto& one) {
        return view.find(one.first) == nullptr && now - one.second.last > 2 * kLeaseMax;
    });
}

void Lease::raise_quorum(std::uint32_t quorum) { quorum_ = std::max(quorum_, quorum); }

// ---- heartbeats

void Lease::acknowledged(MemberId by, BootTime sent) {
    if (view_ && view_->find(by) != nullptr) {
        auto& newest = heard_by_[by];
        newest = std::max(newest, sent);
    }
}

bool Lease::acknowledges(BootTime now, MemberId sender, milliseconds length) {
    const bool member = view_ && view_->find(sender) != nullptr;
    if ((!member && !mutated("acknowledge_anybody")) || expelled_ || stopped_ ||
        length > kLeaseMax) {
        return false;
    }
    given_[sender] = {now, length};
    return true;
}

// ---- the quorum disk

bool Lease::needs_disk(BootTime now) const {
    if (!view_ || !view_->quorate || lost_quorum_ || disk_votes_ == 0 || now >= disk_until_) {
        return false;
    }
    const auto reached = quorum_reached(std::nullopt);
    return !reached || *reached + options_.length / 2 < now;
}

void Lease::disk_read(Epoch floor) {
    if (disk_asked_ && view_ && (floor <= view_->epoch || mutated("disk_without_floor"))) {
        disk_acknowledged_ = disk_asked_;
    }
    disk_asked_.reset();
}

void Lease::disk_held(std::uint32_t votes, BootTime until) {
    disk_votes_ = votes;
    disk_until_ = until;
}

// ---- what it comes to

// The newest time at which heartbeats went out that voters with quorum have acknowledged.
std::optional<BootTime> Lease::quorum_reached(std::optional<Vote> disk) const {
    std::vector<Vote> votes;
    if (disk) {
        votes.push_back(*disk);
    }
    for (const auto& member : view_->members) {
        if (member.id == options_.self) {
            if (newest_) {
                votes.push_back({*newest_, member.votes});
            }
        } else if (const auto it = heard_by_.find(member.id); it != heard_by_.end()) {
            votes.push_back({it->second, member.votes});
        }
    }
    std::ranges::sort(votes, std::greater(), &Vote::sent);
    std::uint64_t sum = 0;
    for (const auto& vote : votes) {
        sum += vote.votes;
        if (sum >= quorum_) {
            return vote.sent;
        }
    }
    return std::nullopt;
}

BootTime Lease::until() const {
    BootTime until{};
    if (const auto reached = quorum_reached(std::nullopt)) {
        until = *reached + options_.length;
    }
    if (disk_acknowledged_ && disk_votes_ > 0) {
        const auto reached = quorum_reached(Vote{*disk_acknowledged_, disk_votes_});
        if (reached) {
            until = std::max(until, std::min(*reached + options_.length, disk_until_));
        }
    }
    return until;
}

LeasePage Lease::page(BootTime now) const {
    LeasePage page;
    page.incarnation = options_.self.incarnation;
    if (view_) {
        page.epoch = view_->epoch;
    }
    const auto stalled = [&](StallReason reason) {
        page.reason = reason;
        return page;
    };
    if (expelled_ && !mutated("expelled_not_final")) {
        page.state = LeaseState::kExpelled;
        return stalled(StallReason::kNone);
    }
    if (stopped_) {
        return stalled(StallReason::kStopped);
    }
    if (!view_) {
        return stalled(StallReason::kForming);
    }
    if (!view_->quorate || lost_quorum_) {
        return stalled(StallReason::kNoQuorum);
    }
    page.deadline = options_.solo ? kLeaseForEver : until();
    if (now >= page.deadline) {
        page.deadline = BootTime{};
        return stalled(StallReason::kUnheard);
    }
    page.state = LeaseState::kRunning;
    return stalled(StallReason::kNone);
}

BootTime Lease::over(MemberId lost) const {
    // The page of an earlier life of this node is this one's since the start.
    if (lost.node == options_.self.node) {
        return started_;
    }
    auto last = std::max(mutated("forget_start") ? BootTime{} : started_, needed_disk_);
    auto length = kLeaseMax;
    if (const auto it = given_.find(lost); it != given_.end()) {
        last = std::max(last, it->second.last);
        length = it->second.length;
    }
    return last + surely(length);
}

}  // namespace quorate::cluster
