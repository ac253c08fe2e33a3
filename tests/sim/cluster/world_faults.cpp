#include <algorithm>

#include <fmt/core.h>

#include "world.hpp"

namespace quorate::cluster::simulator {

using sim::between;
using sim::milliseconds;
using sim::seconds;
using sim::Time;

void World::fault_later() {
    events_.after(between(random_, milliseconds(20), scenario_.pause_max), [this] {
        if (!healed_) {
            fault();
            fault_later();
        }
    });
}

void World::fault() {
    const auto node = random_.below(hosts_.size());
    const auto pause = between(random_, milliseconds(50), seconds(6));
    const auto kind = random_.below(11);
    constexpr const char* kNames[] = {"power off", "kill", "freeze machine", "freeze clusterd",
                                      "split",     "cut",  "heal",           "hang quorumd",
                                      "filter",    "stop", "break"};
    trace(node, fmt::format("---- {}", kNames[kind]));
    switch (kind) {
        case 0:
            power_off(node);
            events_.after(pause, [this, node] { power_on(node); });
            break;
        case 1:
            kill_process(node);
            events_.after(pause, [this, node] { start_process(node); });
            break;
        case 2:
            freeze(node, /*machine=*/true, between(random_, milliseconds(10), seconds(12)));
            break;
        case 3:
            freeze(node, /*machine=*/false, between(random_, milliseconds(10), seconds(12)));
            break;
        case 4:
            split();
            break;
        case 5:
            cut_some(/*corosync_too=*/true);
            break;
        case 6:
            heal_links();
            break;
        case 7:
            disk_->freeze(node, random_.one_in(2));
            break;
        case 8:
            cut_some(/*corosync_too=*/false);
            break;
        case 9:
            stop_process(node);
            events_.after(pause, [this, node] { start_process(node); });
            break;
        default:
            network_->break_some(node);
            break;
    }
}

void World::mischief_later() {
    if (!mischief_.blackouts && !mischief_.corosync_dies) {
        return;
    }
    events_.after(between(random_, milliseconds(200), seconds(8)), [this] {
        if (!healed_) {
            mischief();
            mischief_later();
        }
    });
}

void World::mischief() {
    const bool blackout = mischief_.blackouts && (!mischief_.corosync_dies || random_.one_in(2));
    if (blackout) {
        trace(0, "---- blackout");
        for (std::size_t node = 0; node < hosts_.size(); ++node) {
            power_off(node);
            events_.after(between(random_, milliseconds(50), seconds(2)),
                          [this, node] { power_on(node); });
        }
        return;
    }
    const auto node = random_.below(scenario_.nodes);
    trace(node, "---- Corosync dies");
    corosync_dies(node);
    events_.after(between(random_, milliseconds(50), seconds(3)),
                  [this, node] { corosync_starts(node); });
}

// On both rings, or on the first alone.
void World::split() {
    std::vector<bool> left(hosts_.size());
    for (std::size_t node = 0; node < left.size(); ++node) {
        left[node] = random_.one_in(2);
    }
    const auto rings = random_.one_in(4) ? 1 : kRings;
    for (std::size_t a = 0; a < left.size(); ++a) {
        for (std::size_t b = a + 1; b < left.size(); ++b) {
            for (std::uint32_t ring = 0; ring < rings && left[a] != left[b]; ++ring) {
                cut(ring, a, b, /*corosync_too=*/true);
            }
        }
    }
    corosync_->topology_changed();
}

void World::cut(std::uint32_t ring, std::size_t a, std::size_t b, bool corosync_too) {
    network_->cut(ring, a, b);
    if (corosync_too) {
        cut_.insert({ring, std::min(a, b), std::max(a, b)});
    }
}

// Between two machines: one ring or both.
void World::cut_some(bool corosync_too) {
    const auto a = random_.below(hosts_.size());
    const auto b = random_.below(hosts_.size());
    if (a == b) {
        return;
    }
    const auto which = random_.below(3);
    for (std::uint32_t ring = 0; ring < kRings; ++ring) {
        if (which == 2 || which == ring) {
            cut(ring, a, b, corosync_too);
        }
    }
    corosync_->topology_changed();
}

void World::heal_links() {
    cut_.clear();
    network_->heal_all();
    corosync_->topology_changed();
}

bool World::reaches(std::size_t a, std::size_t b) const {
    return a == b || network_->connected(0, a, b) || network_->connected(1, a, b);
}

// Corosync uses whichever ring there is.
bool World::connected(std::size_t a, std::size_t b) const {
    for (std::uint32_t ring = 0; ring < kRings; ++ring) {
        if (a == b || !cut_.contains({ring, std::min(a, b), std::max(a, b)})) {
            return true;
        }
    }
    return false;
}

void World::heal_everything() {
    healed_ = true;
    trace(0, "---- everything heals");
    disk_->calm();
    heal_links();
    for (auto stranger = scenario_.nodes; stranger < hosts_.size(); ++stranger) {
        power_off(stranger);
    }
    for (std::size_t node = 0; node < scenario_.nodes; ++node) {
        auto& host = hosts_[node];
        if (std::exchange(host.frozen, false)) {
            corosync_->thaw(node);
        }
        host.process_frozen = false;
        corosync_starts(node);
        disk_->freeze(node, false);
        power_on(node);
        start_process(node);
        pump(node);
        arm(node);
    }
}

}  // namespace quorate::cluster::simulator
