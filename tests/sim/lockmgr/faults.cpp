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
    const auto pause = between(random_, milliseconds(20), milliseconds(900));
    oracle_.allow_invalid();
    if (scenario_.drains && random_.one_in(3)) {
        auto& host = hosts_[node];
        if (host.manager && !host.draining) {
            trace(node, "---- drain");
            host.draining = true;
            give(node, Drain{});
        }
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

void World::heal() {
    healed_ = true;
    trace(0, "---- everything heals");
    for (std::size_t node = 0; node < hosts_.size(); ++node) {
        hosts_[node].group = 0;
        start(node);
    }
    topology_changed();
    events_.after(seconds(2), [this] { compare_copies(); });
}

}  // namespace quorate::lockmgr::simulator
