#include <algorithm>

#include <fmt/core.h>

#include "world.hpp"

namespace quorate::lockmgr::simulator {

void World::fault_later() {
    if (!scenario_.faults) {
        return;
    }
    events_.after(between(random_, milliseconds(20), 2 * scenario_.fault_pause), [this] {
        if (!healed_) {
            fault();
            fault_later();
        }
    });
}

void World::fault() {
    const auto node = random_.below(hosts_.size());
    const auto pause = between(random_, milliseconds(20), scenario_.down);
    oracle_.allow_invalid();
    if (scenario_.in_turn) {
        fall_before_drain(node, pause);
        return;
    }
    if (scenario_.drains && random_.one_in(3)) {
        drain(node);
        return;
    }
    if (scenario_.freezes && random_.one_in(3)) {
        freeze(node, pause);
        return;
    }
    if (scenario_.silences && random_.one_in(2)) {
        fall_silent(node, random_.below(hosts_.size()), pause);
        return;
    }
    switch (random_.below(6)) {
        case 0:
        case 1:
            trace(node, "---- crash");
            crash(node);
            topology_changed();
            events_.after(pause, [this, node] { start(node); });
            break;
        case 2:
        case 3:
            trace(node, "---- split");
            for (auto& host : hosts_) {
                host.group = random_.below(2);
            }
            topology_changed();
            break;
        case 4:
            trace(node, "---- cut off");
            hosts_[node].group = 2 + node;
            topology_changed();
            break;
        default:
            trace(node, "---- join");
            for (auto& host : hosts_) {
                host.group = 0;
            }
            topology_changed();
            break;
    }
}

void World::drain(std::size_t node) {
    auto& host = hosts_[node];
    if (host.manager && !host.draining && !host.frozen) {
        trace(node, "---- drain");
        host.draining = true;
        give(node, Drain{});
    }
}

void World::fall_before_drain(std::size_t node, sim::Time pause) {
    if (std::ranges::any_of(hosts_, [](const Host& one) { return !one.manager || one.draining; })) {
        return;
    }
    trace(node, "---- crash");
    crash(node);
    topology_changed();
    events_.after(pause, [this, node] { start(node); });
    const auto other = (node + 1 + random_.below(hosts_.size() - 1)) % hosts_.size();
    events_.after(between(random_, milliseconds(1), milliseconds(100)), [this, other] {
        if (!healed_) {
            drain(other);
        }
    });
}

// One other hears nothing of it any more, and then it dies: what it had to say is lost.
void World::fall_silent(std::size_t node, std::size_t to, sim::Time pause) {
    if (silent_ || node == to || !hosts_[node].manager) {
        return;
    }
    trace(node, fmt::format("---- falls silent to n{}", to + 1));
    silent_ = {node, to};
    events_.after(pause, [this, node] {
        if (silent_) {
            trace(node, "---- crash");
            crash(node);
            silent_.reset();
            topology_changed();
            events_.after(milliseconds(50), [this, node] { start(node); });
        }
    });
}

// It does nothing for a while, and then goes on as if no time had passed: what it hears of first is
// left to chance.
void World::freeze(std::size_t node, sim::Time pause) {
    auto& host = hosts_[node];
    if (!host.manager || host.frozen) {
        return;
    }
    trace(node, "---- freezes");
    host.frozen = true;
    host.group = 2 + hosts_.size() + node;
    topology_changed();
    events_.after(pause, [this, node, life = host.life] {
        if (hosts_[node].life == life) {
            go_on(node);
        }
    });
}

void World::go_on(std::size_t node) {
    auto& host = hosts_[node];
    if (!std::exchange(host.frozen, false)) {
        return;
    }
    trace(node, "---- goes on");
    host.group = 0;
    for (auto& what : std::exchange(host.postponed, {})) {
        later(node, between(random_, sim::Time(0), milliseconds(5)), std::move(what));
    }
    pump_all();
    topology_changed();
}

void World::heal() {
    healed_ = true;
    const bool silent = std::exchange(silent_, std::nullopt).has_value();
    trace(0, "---- everything heals");
    for (std::size_t node = 0; node < hosts_.size(); ++node) {
        go_on(node);
        hosts_[node].group = 0;
        start(node);
    }
    if (silent) {
        pump_all();
    }
    topology_changed();
    events_.after(seconds(2), [this] { compare_copies(); });
}

}  // namespace quorate::lockmgr::simulator
