#include "group_shell.hpp"

#include <algorithm>
#include <utility>

#include "io/task.hpp"
#include "io/time.hpp"
#include "quorum_device.hpp"

namespace quorate::cluster {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;

constexpr const char* kGroup = "quorate";
constexpr milliseconds kPauseMin{200};
constexpr milliseconds kPauseMax{3000};
// Expected votes may change without a change of the ring.
constexpr milliseconds kVotesPause{3000};

bool same(const QuorumChanged& a, const QuorumChanged& b) {
    return a.ring == b.ring && a.quorate == b.quorate && a.votes == b.votes &&
           a.expected_votes == b.expected_votes && a.quorum == b.quorum;
}

}  // namespace

GroupShell::GroupShell(boost::asio::io_context& io, io::Scope& scope, io::ThreadPool& workers,
                       NodeId node, Feed feed, Mismatch mismatch)
    : io_(io),
      scope_(scope),
      workers_(workers),
      node_(node),
      feed_(std::move(feed)),
      mismatch_(std::move(mismatch)),
      wake_(io) {}

GroupShell::~GroupShell() = default;

void GroupShell::stop() {
    stopping_ = true;
    wake_.set();
}

void GroupShell::multicast(std::string bytes) {
    if (corosync_ == nullptr || lost_) {
        return;
    }
    if (auto sent = corosync_->multicast(std::move(bytes)); !sent) {
        log_.error("multicast_failed", "why", sent.error().to_string());
    }
}

// False when stopping.
awaitable<bool> GroupShell::pause(milliseconds time) {
    auto woken = co_await wake_.wait(io::after(time));
    static_cast<void>(woken);
    if (!stopping_) {
        wake_.reset();
    }
    co_return !stopping_;
}

Status GroupShell::join() {
    CorosyncHandlers handlers;
    handlers.group_changed = [this](const auto& change) { on_group(change); };
    handlers.message = [this](GroupMember from, std::string_view message) {
        feed_(GroupDelivered{from, std::string(message)});
    };
    handlers.ring_changed = [this](RingId ring, auto) { on_ring(ring); };
    handlers.quorum_changed = [this](bool quorate, RingId ring, auto) { on_quorum(quorate, ring); };
    handlers.lost = [this](const Error& error) {
        lost_ = true;
        problem_ = error.to_string();
        wake_.set();
    };
    QUORATE_TRY(corosync_, Corosync::join(io_, kGroup, std::move(handlers)));
    if (corosync_->local_node() != node_.value()) {
        mismatch_(corosync_->local_node());
    }
    return {};
}

awaitable<void> GroupShell::run() {
    auto rest = kPauseMin;
    while (!stopping_) {
        lost_ = false;
        const auto before = std::exchange(problem_, "");
        if (auto joined = join(); joined) {
            log_.info("corosync_joined", "node", node_.value());
            rest = kPauseMin;
            while (!lost_ && !stopping_) {
                co_await look_at_device();
                co_await poll_votes();
            }
            log_.warn("corosync_left", "why", lost_ ? problem_ : "clusterd stops");
        } else {
            problem_ = joined.error().to_string();
            if (problem_ != before) {
                log_.warn("corosync_not_joined", "why", problem_, "hint", "trying again");
            }
        }
        corosync_.reset();
        ring_.reset();
        members_.clear();
        quorum_.reset();
        told_.reset();
        if (stopping_) {
            break;
        }
        feed_(GroupLost{});
        const bool going_on = co_await pause(rest);
        if (!going_on) {
            break;
        }
        rest = std::min(rest * 2, kPauseMax);
    }
}

awaitable<void> GroupShell::poll_votes() {
    const bool going_on = co_await pause(kVotesPause);
    if (going_on && !lost_ && quorum_) {
        quorum_spoke();
    }
}

// Apart from the votes, which the others wait for. No answer changes nothing.
awaitable<void> GroupShell::look_at_device() {
    auto found = co_await workers_.run([node = node_.value()]() -> Result<std::string> {
        QUORATE_TRY(const auto model, query_device_model());
        QUORATE_TRY(const auto votes, query_votes(node));
        return cluster::device_problem(model, votes);
    });
    if (found && disk_published_ && disk_published_()) {
        found->clear();
    }
    if (!found || *found == device_problem_) {
        co_return;
    }
    device_problem_ = std::move(*found);
    if (device_problem_.empty()) {
        log_.info("quorum_device_gone");
    } else {
        log_.warn("quorum_device_does_not_count", "why", device_problem_);
    }
}

void GroupShell::on_group(const CorosyncHandlers::Change& change) {
    members_.assign(change.members.begin(), change.members.end());
    std::ranges::sort(members_);
    tell_group({change.joined.begin(), change.joined.end()},
               {change.left.begin(), change.left.end()});
}

void GroupShell::on_ring(RingId ring) {
    ring_ = ring;
    tell_group({}, {});
}

// The group's configuration comes before its ring at the start, after it later on.
void GroupShell::tell_group(std::vector<GroupMember> joined, std::vector<GroupMember> left) {
    const bool among = std::ranges::any_of(
        members_, [this](const GroupMember& member) { return member.node == node_; });
    if (ring_ && among) {
        feed_(GroupChanged{*ring_, members_, std::move(joined), std::move(left)});
    }
}

void GroupShell::on_quorum(bool quorate, RingId ring) {
    quorum_ = Quorum{quorate, ring};
    if (!quorate && told_ && told_->quorate) {
        // Nothing to ask: the votes are gone, and every moment counts.
        told_->quorate = false;
        told_->ring = ring;
        feed_(*told_);
    }
    quorum_spoke();
}

void GroupShell::quorum_spoke() {
    if (asking_) {
        ask_again_ = true;
        return;
    }
    asking_ = true;
    scope_.spawn(ask_votes());
}

awaitable<void> GroupShell::ask_votes() {
    do {
        ask_again_ = false;
        auto votes = co_await workers_.run([node = node_.value()] { return query_votes(node); });
        if (!votes) {
            if (!lost_ && quorum_) {
                log_.warn("votes_not_read", "why", votes.error().to_string());
            }
            continue;
        }
        // What was asked while votequorum spoke again may belong to either word.
        if (!quorum_ || ask_again_) {
            continue;
        }
        const QuorumChanged input{quorum_->ring, quorum_->quorate && votes->quorate, votes->votes,
                                  votes->expected_votes, votes->quorum};
        if (!told_ || !same(*told_, input)) {
            told_ = input;
            feed_(input);
        }
    } while (ask_again_);
    asking_ = false;
}

}  // namespace quorate::cluster
