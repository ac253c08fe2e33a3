#include <algorithm>

#include <fmt/core.h>

#include "world.hpp"

// Faults that wait for the moment at which a rule is all that is left.
namespace quorate::quorum::simulator {

using sim::between;
using sim::milliseconds;
using sim::seconds;
using sim::Time;

namespace {
// Before the end of a lease; more than what a step and a poll take.
constexpr auto kLastMoment = milliseconds(5);
constexpr auto kLongFreeze = seconds(25);
}  // namespace

void World::spoil_paths(std::size_t node, const std::function<void(Path&)>& how) {
    for (auto& disk : disks_) {
        how(disk->path(node));
    }
}

void World::heal_paths(std::size_t node) {
    for (auto& disk : disks_) {
        disk->heal(node);
    }
}

// A node that casts; alone: in a ring that not all nodes are in.
std::optional<std::size_t> World::holder(bool alone) const {
    for (std::size_t node = 0; node < hosts_.size(); ++node) {
        if (!runs(node) || !corosync_->running(node)) {
            continue;
        }
        const auto status = hosts_[node].voter->status(hosts_[node].clock.exact(events_.now()));
        if (status.casting && status.lease && status.trusted &&
            (status.members.size() < hosts_.size()) == alone) {
            return node;
        }
    }
    return std::nullopt;
}

void World::cut_off(std::size_t node) {
    if (healed_) {
        return;
    }
    for (std::size_t other = 0; other < hosts_.size(); ++other) {
        if (other != node) {
            cut_.insert({std::min(node, other), std::max(node, other)});
        }
    }
    corosync_->topology_changed();
}

void World::ambush() {
    const auto kind = random_.below(4);
    const auto node = holder(/*alone=*/kind != 0);
    if (!node) {
        // So that there is one before long.
        if (kind == 0) {
            cut_.clear();
            corosync_->topology_changed();
        } else if (const auto any = holder(/*alone=*/false)) {
            cut_off(*any);
        }
        return;
    }
    calm_until_ = events_.now() + 2 * scenario_.timing.silence;
    switch (kind) {
        case 0:
            return stop_breathing(*node);
        case 1:
            return renew_late(*node);
        case 2:
            return hang(*node);
        default:
            return swallow(*node);
    }
}

// The last sign of life is read long after it was written; then the disk hangs, the node is cut off
// and its voter stops with the last moment of its lease.
void World::stop_breathing(std::size_t node) {
    trace(node, "---- ambush: stops breathing");
    const auto tardy = between(random_, milliseconds(100), milliseconds(4500));
    spoil_paths(node, [&](Path& path) { path.tardy = tardy; });
    const auto life = hosts_[node].life;
    events_.after(tardy + between(random_, Time(0), seconds(2)), [this, node, life] {
        if (!healed_) {
            spoil_paths(node, [](Path& path) { path.hung = true; });
        }
        freeze_at_the_end(node, life);
    });
    events_.after(scenario_.timing.silence * 3 / 2, [this, node] { heal_paths(node); });
}

void World::freeze_at_the_end(std::size_t node, std::uint64_t life) {
    if (hosts_[node].life != life || !runs(node) || healed_) {
        return;
    }
    const auto& clock = hosts_[node].clock;
    const auto status = hosts_[node].voter->status(clock.exact(events_.now()));
    if (!status.lease) {
        return;
    }
    const auto end = clock.when(*status.lease) - kLastMoment;
    if (events_.now() < end) {
        events_.at(std::min<Time>(end, events_.now() + milliseconds(100)),
                   [this, node, life] { freeze_at_the_end(node, life); });
        return;
    }
    trace(node, "voter freezes with its lease");
    hosts_[node].frozen = true;
    events_.after(kLongFreeze, [this, node, life] {
        if (hosts_[node].life == life) {
            thaw_voter(node);
        }
    });
    events_.after(between(random_, Time(0), milliseconds(1500)), [this, node] { cut_off(node); });
}

// For nearly a lease the disk refuses; then it takes a renewal, and is in no hurry with it.
void World::renew_late(std::size_t node) {
    const auto& clock = hosts_[node].clock;
    const auto status = hosts_[node].voter->status(clock.exact(events_.now()));
    trace(node, "---- ambush: renews late");
    spoil_paths(node, [](Path& path) { path.refusing = true; });
    const auto end = clock.when(*status.lease);
    const auto takes =
        std::max<Time>(end - between(random_, milliseconds(50), seconds(2)), events_.now());
    events_.at(takes, [this, node] {
        spoil_paths(node, [this](Path& path) {
            path.refusing = false;
            path.hung = !healed_;
        });
    });
    events_.at(end + between(random_, Time(0), scenario_.timing.lease),
               [this, node] { heal_paths(node); });
}

// The disk hangs until others have taken over, or nearly so. Whoever did may stop right after its
// vote, before its page says what it did.
void World::hang(std::size_t node) {
    trace(node, "---- ambush: hangs");
    spoil_paths(node, [](Path& path) { path.hung = true; });
    if (random_.one_in(2)) {
        trap_ = node;
    }
    const Time silence = scenario_.timing.silence;
    events_.after(between(random_, silence - seconds(1), silence + seconds(6)), [this, node] {
        trap_.reset();
        heal_paths(node);
    });
}

void World::spring(std::size_t node, const Poll& output) {
    trace(node, "voter freezes after its vote");
    poll(node, hosts_[node].life, output);
    hosts_[node].frozen = true;
    events_.after(kLongFreeze, [this, node, life = hosts_[node].life] {
        if (hosts_[node].life == life) {
            thaw_voter(node);
        }
    });
    const auto hung = *std::exchange(trap_, std::nullopt);
    events_.after(Time(1), [this, hung] { heal_paths(hung); });
}

// Writes are reported and never arrive, and nothing that is read could tell.
void World::swallow(std::size_t node) {
    trace(node, "---- ambush: swallows writes");
    spoil_paths(node, [](Path& path) { path.losing = path.mute = true; });
    const Time silence = scenario_.timing.silence;
    events_.after(between(random_, silence - seconds(1), silence + seconds(6)),
                  [this, node] { heal_paths(node); });
}

}  // namespace quorate::quorum::simulator
