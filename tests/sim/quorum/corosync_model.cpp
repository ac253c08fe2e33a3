#include "corosync_model.hpp"

#include <algorithm>
#include <numeric>

namespace quorate::quorum::simulator {

using sim::between;
using sim::milliseconds;
using sim::Time;

namespace {
std::size_t index_of(NodeId node) { return node.value() - 1; }
}  // namespace

Corosync::Corosync(sim::EventQueue& events, Random& random, Options options, Sink sink)
    : events_(events),
      random_(random),
      options_(std::move(options)),
      sink_(std::move(sink)),
      machines_(options_.nodes) {}

// ---- machines

void Corosync::power_on(std::size_t node) {
    auto& machine = machines_[node];
    const auto sequence = machine.sequence;
    const auto boot = machine.boot;
    const auto timer = machine.timer;
    machine = Machine{};
    machine.boot = boot + 1;
    machine.timer = timer + 1;
    machine.sequence = sequence;
    machine.on = true;
    NodeSet alone;
    alone.add(id_of(node));
    form(alone, /*starting=*/true);
    settle_later(milliseconds(50), milliseconds(1000));
}

void Corosync::power_off(std::size_t node) {
    machines_[node].on = false;
    machines_[node].cast = false;
    settle_later(milliseconds(1200), milliseconds(2500));
    sink_.votes_changed();
}

void Corosync::freeze(std::size_t node) {
    machines_[node].frozen = true;
    machines_[node].doubtful = machines_[node].cast;
    settle_later(milliseconds(1200), milliseconds(2500));
}

void Corosync::thaw(std::size_t node) {
    auto& machine = machines_[node];
    machine.frozen = false;
    if (std::exchange(machine.timer_due, false)) {
        expire(node);
    }
    settle_later(milliseconds(50), milliseconds(1500));
}

void Corosync::topology_changed() {
    settle_later(milliseconds(1200), milliseconds(2500));
    settle_later(milliseconds(50), milliseconds(1000));
}

// ---- rings

bool Corosync::together(std::size_t a, std::size_t b) const {
    return running(a) && running(b) && options_.connected(a, b);
}

bool Corosync::connected_ring(std::size_t node) const {
    const auto& ring = machines_[node].ring;
    for (std::size_t other = 0; other < machines_.size(); ++other) {
        if (ring.members.has(id_of(other)) &&
            (!together(node, other) || machines_[other].ring != ring)) {
            return false;
        }
    }
    return true;
}

// Nodes that all hear each other; who comes first is drawn.
std::vector<NodeSet> Corosync::cliques() const {
    std::vector<NodeSet> cliques;
    std::vector<std::size_t> order(machines_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (auto i = order.size(); i > 1; --i) {
        std::swap(order[i - 1], order[random_.below(i)]);
    }
    for (const auto node : order) {
        if (!running(node)) {
            continue;
        }
        const auto fits = std::ranges::find_if(cliques, [&](NodeSet clique) {
            for (std::size_t other = 0; other < machines_.size(); ++other) {
                if (clique.has(id_of(other)) && !together(node, other)) {
                    return false;
                }
            }
            return true;
        });
        if (fits == cliques.end()) {
            cliques.emplace_back();
            cliques.back().add(id_of(node));
        } else {
            fits->add(id_of(node));
        }
    }
    return cliques;
}

void Corosync::settle_later(Time from, Time to) {
    events_.after(between(random_, from, to), [this] { settle(); });
}

// Each partition finds itself at its own pace.
void Corosync::settle() {
    for (const auto clique : cliques()) {
        const auto lag = random_.one_in(2) ? Time(0) : Time(milliseconds(800));
        events_.after(between(random_, Time(0), lag), [this, clique] { form(clique); });
    }
}

void Corosync::form(NodeSet members, bool starting) {
    Ring ring{{members.lowest(), 0}, members};
    bool settled = true;
    for (std::size_t node = 0; node < machines_.size(); ++node) {
        if (!members.has(id_of(node))) {
            continue;
        }
        for (std::size_t other = 0; other < machines_.size(); ++other) {
            if (members.has(id_of(other)) && !together(node, other)) {
                return;  // the world has moved on
            }
        }
        settled = settled && machines_[node].ring == machines_[index_of(members.lowest())].ring &&
                  machines_[node].ring.members == members;
        ring.id.sequence = std::max(ring.id.sequence, machines_[node].sequence);
    }
    bool grows = false;  // somebody has come meanwhile
    for (std::size_t other = 0; other < machines_.size(); ++other) {
        bool fits = !members.has(id_of(other)) && running(other);
        for (std::size_t node = 0; node < machines_.size() && fits; ++node) {
            fits = !members.has(id_of(node)) || together(node, other);
        }
        grows = grows || fits;
    }
    if (settled || (grows && !starting)) {
        return;
    }
    ring.id.sequence += 4;
    for (std::size_t node = 0; node < machines_.size(); ++node) {
        auto& machine = machines_[node];
        if (!members.has(id_of(node))) {
            continue;
        }
        machine.ring = ring;
        machine.sequence = ring.id.sequence;
        if (machine.alive) {
            // In soft mode it is taken for granted that this does not happen to a frozen voter.
            const bool soft = options_.timing.mode() == StopMode::kSoft;
            machine.doubtful = machine.doubtful || (soft && machine.waiting && machine.cast);
            machine.waiting = true;
            arm(node, options_.timing.sync_timeout);
        }
        tell(node);
    }
}

void Corosync::tell(std::size_t node) {
    auto& machine = machines_[node];
    machine.told =
        std::max(machine.told, events_.now() + between(random_, Time(20), milliseconds(200)));
    events_.at(machine.told, [this, node, ring = machine.ring, boot = machine.boot] {
        if (machines_[node].on && machines_[node].boot == boot) {
            sink_.ring(node, ring.id, ring.members);
        }
    });
}

// ---- the device

void Corosync::track(std::size_t node) { tell(node); }

bool Corosync::poll(std::size_t node, bool cast, RingId ring) {
    auto& machine = machines_[node];
    if (ring != machine.ring.id) {
        return false;
    }
    machine.alive = true;
    machine.waiting = false;
    machine.cast = cast;
    machine.doubtful = false;
    machine.voted_in = machine.ring;
    arm(node, options_.timing.vote_timeout);
    sink_.votes_changed();
    return true;
}

void Corosync::arm(std::size_t node, std::chrono::milliseconds after) {
    const auto number = ++machines_[node].timer;
    machines_[node].timer_due = false;
    events_.after(after, [this, node, number] {
        auto& machine = machines_[node];
        if (machine.timer != number || !machine.on) {
            return;
        }
        if (machine.frozen) {
            machine.timer_due = true;
        } else {
            expire(node);
        }
    });
}

void Corosync::expire(std::size_t node) {
    auto& machine = machines_[node];
    machine.alive = machine.waiting = machine.cast = false;
    sink_.votes_changed();
}

bool Corosync::barred(std::size_t node) const {
    for (std::size_t other = 0; other < machines_.size(); ++other) {
        if (machines_[node].ring.members.has(id_of(other)) && machines_[other].waiting) {
            return true;
        }
    }
    return false;
}

}  // namespace quorate::quorum::simulator
