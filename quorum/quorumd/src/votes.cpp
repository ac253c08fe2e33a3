#include "votes.hpp"

#include <utility>

#include "io/time.hpp"

namespace quorate::quorum {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;

constexpr milliseconds kAgain{500};
constexpr milliseconds kCountPause{2000};
// To a registration votequorum answers with the device's votes first, and the node's afterwards. A
// Corosync that hears that of a node which it never heard of ends on an assertion (3.1.7,
// votequorum.c: sender_node != NULL); all else that a device does tells of the node first. So the
// registration waits until the other nodes are members, and know this one. Nodes that do not come
// are not waited for longer: that one of them joins in the very moment is not to be expected then.
constexpr milliseconds kOthersCome{5000};
constexpr milliseconds kLook{250};

}  // namespace

Votes::Votes(boost::asio::io_context& io, io::Scope& scope, io::ThreadPool& corosync, Feed feed)
    : io_(io), scope_(scope), corosync_(corosync), feed_(std::move(feed)), wake_(io) {}

awaitable<void> Votes::await_others() {
    const auto until = io::mono_now() + kOthersCome;
    bool there = false;
    while (!there && !leaving_ && io::mono_now() < until) {
        const auto answer = co_await corosync_.run([this] { return are_members(nodes_); });
        there = answer && *answer;
        if (!there) {
            auto slept = co_await io::sleep_until(io::mono_now() + kLook);
            static_cast<void>(slept);
        }
    }
}

awaitable<Status> Votes::open(std::vector<std::uint32_t> nodes) {
    nodes_ = std::move(nodes);
    auto opened = co_await open();
    co_return opened;
}

awaitable<Status> Votes::open() {
    co_await await_others();
    auto device = co_await corosync_.run([this] { return VoteDevice::open(io_); });
    if (!device) {
        problem_ = device.error().to_string();
        co_return tl::unexpected<Error>(std::move(device).error());
    }
    device_ = std::move(*device);
    problem_.clear();
    co_return Status();
}

void Votes::start() {
    lost_ = false;
    stale_ = true;
    VoteDevice::Handlers handlers;
    handlers.ring_changed = [this](RingId ring, auto nodes) { on_ring(ring, nodes); };
    handlers.votes_changed = [this] {
        stale_ = true;
        wake_.set();
    };
    handlers.lost = [this] {
        lost_ = true;
        wake_.set();
    };
    device_->start(std::move(handlers));
}

void Votes::on_ring(RingId ring, std::span<const std::uint32_t> nodes) {
    ring_ = ring;
    stale_ = true;
    wake_.set();
    NodeSet members;
    for (const auto node : nodes) {
        members.add(NodeId(node));
    }
    log_.info("ring", "node", ring.node.value(), "sequence", ring.sequence, "members",
              members.size());
    feed_(RingChanged{ring, members});
}

awaitable<void> Votes::recount() {
    auto counted = co_await corosync_.run([] { return count_votes(); });
    if (!counted) {
        co_return;
    }
    if (counted->quorate != count_.quorate) {
        log_.info("quorate", "quorate", counted->quorate, "votes", counted->total, "quorum",
                  counted->quorum, "device_casts", counted->casts);
    }
    count_ = *counted;
}

awaitable<void> Votes::run() {
    start();
    while (!leaving_) {
        if (lost_) {
            problem_ = "Corosync has ended";
            log_.error("corosync_lost", "hint", "waiting for it");
            device_.reset();
            count_ = {};
            while (!leaving_ && !device_) {
                auto opened = co_await open();
                if (!opened) {
                    auto slept = co_await io::sleep_until(io::mono_now() + kAgain);
                    static_cast<void>(slept);
                }
            }
            if (leaving_) {
                break;
            }
            log_.info("corosync_found");
            start();
        }
        if (std::exchange(stale_, false)) {
            co_await recount();
        }
        auto woken = co_await wake_.wait(io::after(kCountPause));
        stale_ = stale_ || !woken;
        wake_.reset();
    }
}

// ---- the vote

void Votes::poll(const Poll& poll) {
    if (!scope_.spawn(carry_out(poll))) {
        // The daemon ends: nobody is fed.
        return;
    }
}

awaitable<void> Votes::carry_out(Poll poll) {
    Status done = fail(std::make_error_code(std::errc::not_connected), "no votequorum");
    if (device_ && !leaving_) {
        const auto device = device_;
        done =
            co_await corosync_.run([&] { return device->poll(poll.ring, poll.cast, poll.before); });
    } else {
        auto slept = co_await io::sleep_until(io::mono_now() + milliseconds(1));
        static_cast<void>(slept);
    }
    if (done) {
        if (std::exchange(withdrawn_, !poll.cast) == poll.cast) {
            stale_ = true;
            wake_.set();
        }
    } else {
        log_.debug("poll_refused", "why", done.error().to_string());
    }
    feed_(Polled{poll.ring, poll.cast, done.has_value()});
}

awaitable<void> Votes::leave() {
    leaving_ = true;
    wake_.set();
    if (device_) {
        const auto device = device_;
        auto left = co_await corosync_.run([&] { return device->leave(); });
        if (!left) {
            log_.warn("votequorum_not_left", "why", left.error().to_string());
        }
    }
}

}  // namespace quorate::quorum
