#include <algorithm>

#include <fmt/core.h>

#include "world.hpp"

namespace quorate::quorum::simulator {

using sim::between;
using sim::milliseconds;
using sim::seconds;
using sim::Time;

// Heuristics succeed and fail as they like.
void World::score_later() {
    events_.after(between(scores_, milliseconds(20), seconds(8)), [this] {
        if (!healed_) {
            feed(scores_.below(hosts_.size()), Channel::kOther,
                 Scored{static_cast<std::uint32_t>(scores_.below(4))});
            score_later();
        }
    });
}

void World::fault_later() {
    events_.after(between(random_, milliseconds(20), scenario_.pause_max), [this] {
        if (!healed_) {
            if (events_.now() >= calm_until_) {
                fault();
            }
            fault_later();
        }
    });
}

void World::fault() {
    if (scenario_.ambushes && random_.one_in(3)) {
        ambush();
        return;
    }
    const auto node = random_.below(hosts_.size());
    const auto pause = between(random_, milliseconds(50), seconds(20));
    const auto kind = random_.below(16);
    constexpr const char* kNames[] = {"power off",    "kill",         "stop",
                                      "freeze voter", "freeze voter", "freeze corosync",
                                      "freeze node",  "split",        "split",
                                      "split",        "cut",          "heal links",
                                      "heal links",   "spoil path",   "spoil path",
                                      "fence"};
    trace(node, fmt::format("---- {}", kNames[kind]));
    switch (kind) {
        case 0:
            power_off(node);
            if (random_.one_in(4)) {
                for (std::size_t other = 0; other < hosts_.size(); ++other) {
                    feed(other, Channel::kOther,
                         FenceConfirmed{Corosync::id_of(node), hosts_[node].incarnation});
                }
            }
            events_.after(pause, [this, node] { power_on(node); });
            break;
        case 1:
            kill_voter(node);
            events_.after(pause / 4, [this, node] { start_voter(node); });
            break;
        case 2:
            feed(node, Channel::kOther, StopVoting{});
            break;
        case 3:
        case 4:
            freeze(node, /*voter=*/true, /*corosync=*/false);
            break;
        case 5:
            freeze(node, /*voter=*/false, /*corosync=*/true);
            break;
        case 6:
            freeze(node, /*voter=*/true, /*corosync=*/true);
            break;
        case 7:
        case 8:
        case 9:
            split();
            break;
        case 10:
            cut_some();
            break;
        case 11:
        case 12:
            cut_.clear();
            corosync_->topology_changed();
            break;
        case 13:
        case 14:
            spoil_path(node);
            break;
        default:
            want_fence(node, random_.below(hosts_.size()), "drill");
            break;
    }
}

void World::split() {
    std::vector<bool> left(hosts_.size());
    for (std::size_t node = 0; node < hosts_.size(); ++node) {
        left[node] = random_.one_in(2);
    }
    for (std::size_t a = 0; a < hosts_.size(); ++a) {
        for (std::size_t b = a + 1; b < hosts_.size(); ++b) {
            if (left[a] != left[b]) {
                cut_.insert({a, b});
            }
        }
    }
    corosync_->topology_changed();
}

void World::cut_some() {
    const auto a = random_.below(hosts_.size());
    const auto b = random_.below(hosts_.size());
    if (a != b) {
        cut_.insert({std::min(a, b), std::max(a, b)});
        corosync_->topology_changed();
    }
}

void World::spoil_path(std::size_t node) {
    const auto disk = random_.below(disks_.size());
    auto& path = disks_[disk]->path(node);
    const auto kind = random_.below(4);
    path.hung = kind == 0;
    path.failing = kind == 1;
    path.losing = kind == 2;
    path.slow = kind == 3 ? between(random_, milliseconds(500), seconds(8)) : Time(0);
    events_.after(between(random_, milliseconds(100), seconds(15)), [this, node, disk] {
        auto& spoilt = disks_[disk]->path(node);
        const bool stale = spoilt.stale;
        const auto cache = spoilt.cache;
        disks_[disk]->heal(node);
        disks_[disk]->path(node).stale = stale;
        disks_[disk]->path(node).cache = cache;
    });
}

bool World::connected(std::size_t a, std::size_t b) const {
    return a == b || !(scenario_.twins || cut_.contains({std::min(a, b), std::max(a, b)}));
}
}  // namespace quorate::quorum::simulator
