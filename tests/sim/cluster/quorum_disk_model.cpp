#include "quorum_disk_model.hpp"

#include <algorithm>

namespace quorate::cluster::simulator {

using sim::between;
using sim::milliseconds;
using sim::Time;

namespace {
constexpr auto kLease = milliseconds(4000);
}

QuorumDiskModel::QuorumDiskModel(sim::EventQueue& events, Random& random, Corosync& corosync,
                                 Options options,
                                 std::function<void(std::size_t, QuorumDisk)> publish)
    : events_(events),
      random_(random),
      corosync_(corosync),
      options_(std::move(options)),
      publish_(std::move(publish)),
      voters_(options_.clocks.size()) {
    if (options_.votes == 0) {
        return;
    }
    for (std::size_t node = 0; node < voters_.size(); ++node) {
        events_.after(between(random_, Time(0), milliseconds(500)), [this, node] { cycle(node); });
    }
}

bool QuorumDiskModel::holds(std::size_t node) const {
    return options_.clocks[node].at(events_.now()) < voters_[node].binding;
}

void QuorumDiskModel::read(std::size_t node, std::uint64_t number) {
    voters_[node].read_wanted = number;
    events_.after(between(random_, Time(200), milliseconds(20)), [this, node] { answer(node); });
}

void QuorumDiskModel::answer(std::size_t node) {
    auto& voter = voters_[node];
    if (corosync_.running(node) && !voter.frozen && voter.published.read != voter.read_wanted) {
        voter.published.read = voter.read_wanted;
        voter.published.floor = Floor();
        for (const auto& other : voters_) {
            voter.published.floor = merge(voter.published.floor, other.page);
        }
        publish_(node, voter.published);
    }
}

bool QuorumDiskModel::others_are_out(std::size_t node) const {
    const auto& ring = corosync_.ring_members(node);
    for (std::size_t other = 0; other < voters_.size(); ++other) {
        if (std::ranges::find(ring, other) == ring.end() && holds(other)) {
            return false;
        }
    }
    return true;
}

void QuorumDiskModel::cycle(std::size_t node) {
    events_.after(between(random_, milliseconds(300), milliseconds(700)),
                  [this, node] { cycle(node); });
    auto& voter = voters_[node];
    if (!corosync_.running(node) || voter.frozen) {
        return;
    }
    answer(node);
    const bool mine =
        voter.published.votes > 0 && holds(node) && voter.published.ring == corosync_.ring_id(node);
    const bool gives_up = mine && options_.restless && !calm_ && random_.one_in(15);
    if (gives_up || (!mine && (!corosync_.ring_works(node) || !others_are_out(node)))) {
        if (voter.published.votes > 0) {
            voter.published = {};  // resigns
            publish_(node, voter.published);
        }
        cast_soon(node, false);
        return;
    }
    if (!mine) {
        voter.published.hold = ++voter.holds;
    }
    voter.published.ring = corosync_.ring_id(node);
    voter.published.votes = options_.votes;
    voter.published.deadline = options_.clocks[node].at(events_.now()) + kLease;
    voter.binding = voter.published.deadline;
    publish_(node, voter.published);
    cast_soon(node, true);
}

void QuorumDiskModel::cast_soon(std::size_t node, bool vote) {
    const auto lag = vote ? Time(0) : between(random_, Time(0), milliseconds(3000));
    events_.after(lag, [this, node, vote] {
        if (corosync_.running(node)) {
            corosync_.cast(node, vote);
        }
    });
}

}  // namespace quorate::cluster::simulator
