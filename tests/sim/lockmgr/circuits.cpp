#include <fmt/core.h>

#include "message_text.hpp"
#include "world.hpp"

// A circuit carries packets in order between two nodes of one epoch, and dies with it: what it
// still held is lost. What is sent to a node that has not committed the epoch yet waits for it.
namespace quorate::lockmgr::simulator {

void World::on(std::size_t node, const Send& output) {
    const auto to = static_cast<std::size_t>(output.to.value() - 1);
    lanes_[{node, to}].packets.push_back({hosts_[node].epoch, output.bytes});
    pump(node, to);
}

void World::pump(std::size_t from, std::size_t to) {
    auto& lane = lanes_[{from, to}];
    if (lane.scheduled || lane.packets.empty()) {
        return;
    }
    lane.scheduled = true;
    const auto slow = random_.one_in(60) ? milliseconds(80) : milliseconds(2);
    lane.ready = std::max(lane.ready, events_.now() + between(random_, sim::Time(50), slow));
    events_.at(lane.ready, [this, from, to] { arrive(from, to); });
}

void World::arrive(std::size_t from, std::size_t to) {
    auto& lane = lanes_[{from, to}];
    lane.scheduled = false;
    if (silent_ == std::pair(from, to)) {
        return;
    }
    while (!lane.packets.empty() && !hosts_[to].frozen) {
        const auto& host = hosts_[to];
        const auto epoch = lane.packets.front().epoch;
        if (!host.manager || epoch < host.epoch) {
            lane.packets.pop_front();
            continue;
        }
        if (epoch > host.epoch || host.group != hosts_[from].group) {
            return;  // until it gets there, or they hear each other again
        }
        const auto bytes = std::move(lane.packets.front().bytes);
        lane.packets.pop_front();
        Received input;
        input.from = NodeId(static_cast<std::uint32_t>(from + 1));
        input.bytes = bytes;
        if (traced_) {
            trace(to, fmt::format("hears from n{}: {}", from + 1, text_of_packet(bytes)));
        }
        give(to, input);
        if (!random_.one_in(4)) {
            break;
        }
    }
    pump(from, to);
}

void World::pump_all() {
    for (std::size_t from = 0; from < hosts_.size(); ++from) {
        for (std::size_t to = 0; to < hosts_.size(); ++to) {
            if (from != to) {
                pump(from, to);
            }
        }
    }
}

}  // namespace quorate::lockmgr::simulator
