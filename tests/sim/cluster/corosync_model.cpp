#include "corosync_model.hpp"

#include <algorithm>
#include <map>
#include <numeric>

namespace quorate::cluster::simulator {

using sim::between;
using sim::milliseconds;
using sim::Time;

Corosync::Corosync(sim::EventQueue& events, Random& random, Options options, Sink sink)
    : events_(events),
      random_(random),
      options_(std::move(options)),
      sink_(std::move(sink)),
      machines_(options_.votes.size()) {}

// ---- machines

void Corosync::power_on(std::size_t node) {
    auto& machine = machines_[node];
    const auto sequence = machine.ring_sequence;  // kept on disk by Corosync
    const auto boot = machine.boot;
    machine = Machine{};
    machine.boot = boot + 1;
    machine.on = true;
    machine.ring_sequence = sequence;
    form({node});
    settle_later(milliseconds(50), milliseconds(1000));
}

void Corosync::power_off(std::size_t node) {
    machines_[node].on = false;
    settle_later(milliseconds(1200), milliseconds(2500));
}

void Corosync::freeze(std::size_t node) {
    machines_[node].frozen = true;
    settle_later(milliseconds(1200), milliseconds(2500));
}

void Corosync::thaw(std::size_t node) {
    auto& machine = machines_[node];
    machine.frozen = false;
    for (auto left = machine.ring->log.size() - machine.delivered; left > 0; --left) {
        deliver_later(node, machine.ring);
    }
    pump_all();
    settle_later(milliseconds(50), milliseconds(1500));
}

void Corosync::topology_changed() {
    pump_all();
    settle_later(milliseconds(1200), milliseconds(2500));
    settle_later(milliseconds(50), milliseconds(1000));
}

// ---- rings

bool Corosync::together(std::size_t a, std::size_t b) const {
    return running(a) && running(b) && options_.connected(a, b);
}

bool Corosync::works(const Ring& ring) const {
    for (const auto a : ring.members) {
        for (const auto b : ring.members) {
            if (machines_[a].ring.get() != &ring || !together(a, b)) {
                return false;
            }
        }
    }
    return true;
}

// Rings whose members all hear each other; who comes first is drawn.
std::vector<std::vector<std::size_t>> Corosync::cliques() const {
    std::vector<std::vector<std::size_t>> cliques;
    std::vector<std::size_t> order(machines_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (auto i = order.size(); i > 1; --i) {
        std::swap(order[i - 1], order[random_.below(i)]);
    }
    for (const auto node : order) {
        if (!running(node)) {
            continue;
        }
        const auto fits = std::ranges::find_if(cliques, [&](const auto& clique) {
            return std::ranges::all_of(clique, [&](auto other) { return together(node, other); });
        });
        if (fits == cliques.end()) {
            cliques.push_back({node});
        } else {
            fits->push_back(node);
        }
    }
    for (auto& clique : cliques) {
        std::ranges::sort(clique);
    }
    return cliques;
}

void Corosync::settle_later(Time from, Time to) {
    events_.after(between(random_, from, to), [this] { settle(); });
}

void Corosync::settle() {
    for (const auto& clique : cliques()) {
        const bool settled = std::ranges::all_of(clique, [&](std::size_t node) {
            return machines_[node].ring == machines_[clique.front()].ring &&
                   machines_[node].ring->members == clique;
        });
        if (!settled) {
            form(clique);
        }
    }
}

void Corosync::form(const std::vector<std::size_t>& members) {
    const auto ring = std::make_shared<Ring>();
    ring->members = members;
    ring->id.node = id_of(members.front());
    std::map<Ring*, std::vector<std::size_t>> from;
    for (const auto node : members) {
        ring->id.sequence = std::max(ring->id.sequence, machines_[node].ring_sequence);
        if (machines_[node].ring) {
            from[machines_[node].ring.get()].push_back(node);
        }
    }
    ring->id.sequence += 4;
    // In the order of the members: addresses differ from run to run.
    for (const auto node : members) {
        const auto it = from.find(machines_[node].ring.get());
        if (it != from.end() && it->second.front() == node) {
            finish_old_ring(it->second);
        }
    }
    for (const auto node : members) {
        auto& machine = machines_[node];
        machine.ring = ring;
        machine.ring_sequence = ring->id.sequence;
        machine.delivered = 0;
    }
    for (const auto node : members) {
        // The sync barrier ends at different times for different listeners.
        machines_[node].cpg_ready =
            std::max(machines_[node].cpg_ready,
                     events_.now() + between(random_, Time(0), milliseconds(300)));
        report_group(node, *ring);
        tell_quorum(node);
        order_later(node);
    }
}

// Those who go on together get the same rest of what was ordered; their own messages for certain.
void Corosync::finish_old_ring(const std::vector<std::size_t>& together) {
    const auto& ring = *machines_[together.front()].ring;
    std::size_t least = 0;
    for (const auto node : together) {
        least = std::max(least, machines_[node].delivered);
        for (auto i = ring.log.size(); i > least; --i) {
            if (ring.log[i - 1].sender == node) {
                least = i;
                break;
            }
        }
    }
    const auto cut = least + random_.below(ring.log.size() - least + 1);
    for (const auto node : together) {
        while (machines_[node].delivered < cut) {
            deliver(node);
        }
    }
}

void Corosync::report_group(std::size_t node, const Ring& ring) {
    auto& machine = machines_[node];
    std::vector<GroupMember> group;
    for (const auto other : ring.members) {
        if (machines_[other].in_group && machines_[other].process) {
            group.push_back({id_of(other), *machines_[other].process});
        }
    }
    const auto before = std::exchange(machine.group, group);
    if (!machine.in_group) {
        return;
    }
    const RingId last{ring.id.node, ring.id.sequence - 4};
    std::vector<GroupMember> now;
    std::vector<GroupMember> left;
    for (const auto& member : before) {
        (std::ranges::find(group, member) != group.end() ? now : left).push_back(member);
    }
    if (!left.empty()) {
        tell_cpg(node, GroupChanged{last, now, {}, left});
    }
    for (const auto& member : group) {
        if (std::ranges::find(now, member) == now.end()) {
            now.insert(std::ranges::upper_bound(now, member), member);
            tell_cpg(node, GroupChanged{last, now, {member}, {}});
        }
    }
    tell_cpg(node, GroupChanged{ring.id, group, {}, {}});
}

// ---- messages

void Corosync::join(std::size_t node, std::uint32_t process) {
    machines_[node].process = process;
    machines_[node].in_group = false;
    machines_[node].outbox.push_back({node, process, Join{}});
    order_later(node);
    tell_quorum(node);
}

void Corosync::leave(std::size_t node) {
    auto& machine = machines_[node];
    if (machine.process) {
        machine.outbox.push_back({node, *machine.process, Leave{}});
        machine.process.reset();
        machine.in_group = false;
        order_later(node);
    }
}

void Corosync::multicast(std::size_t node, std::string bytes) {
    auto& machine = machines_[node];
    machine.outbox.push_back({node, machine.process.value_or(0), Message{std::move(bytes)}});
    order_later(node);
}

void Corosync::pump_all() {
    for (std::size_t node = 0; node < machines_.size(); ++node) {
        if (running(node)) {
            order_later(node);
        }
    }
}

void Corosync::order_later(std::size_t node) {
    events_.after(between(random_, Time(100), milliseconds(2)), [this, node] { order(node); });
}

// A ring with a member that does not answer orders nothing.
void Corosync::order(std::size_t node) {
    auto& machine = machines_[node];
    if (machine.outbox.empty() || !running(node) || !works(*machine.ring)) {
        return;
    }
    const auto ring = machine.ring;
    while (!machine.outbox.empty()) {
        ring->log.push_back(std::move(machine.outbox.front()));
        machine.outbox.pop_front();
        for (const auto member : ring->members) {
            deliver_later(member, ring);
        }
    }
}

void Corosync::deliver_later(std::size_t node, const std::shared_ptr<Ring>& ring) {
    auto& machine = machines_[node];
    const auto slow = random_.one_in(40) ? milliseconds(200) : milliseconds(4);
    machine.deliver_ready =
        std::max(machine.deliver_ready, events_.now() + between(random_, Time(100), slow));
    events_.at(machine.deliver_ready, [this, node, ring] {
        if (machines_[node].ring == ring && running(node) &&
            machines_[node].delivered < ring->log.size()) {
            deliver(node);
        }
    });
}

void Corosync::deliver(std::size_t node) {
    auto& machine = machines_[node];
    const auto& entry = machine.ring->log[machine.delivered++];
    const GroupMember sender{id_of(entry.sender), entry.process};
    const auto place = std::ranges::lower_bound(machine.group, sender);
    const bool known = place != machine.group.end() && *place == sender;
    if (std::holds_alternative<Message>(entry.what)) {
        if (machine.in_group) {
            tell_cpg(node, GroupDelivered{sender, std::get<Message>(entry.what).bytes});
        }
        return;
    }
    const bool joins = std::holds_alternative<Join>(entry.what);
    if (joins == known) {
        return;
    }
    if (joins) {
        machine.group.insert(place, sender);
        if (entry.sender == node && machine.process == entry.process) {
            machine.in_group = true;
        }
    } else {
        machine.group.erase(place);
    }
    if (machine.in_group) {
        const std::vector<GroupMember> moved{sender};
        tell_cpg(node, GroupChanged{machine.ring->id, machine.group,
                                    joins ? moved : std::vector<GroupMember>{},
                                    joins ? std::vector<GroupMember>{} : moved});
    }
}

// ---- what clusterd hears

void Corosync::tell_cpg(std::size_t node, CpgEvent event) {
    auto& machine = machines_[node];
    machine.cpg_ready =
        std::max(machine.cpg_ready, events_.now() + between(random_, Time(20), milliseconds(1)));
    events_.at(machine.cpg_ready, [this, node, process = machine.process, boot = machine.boot,
                                   event = std::move(event)]() mutable {
        const auto& now = machines_[node];
        if (now.on && now.boot == boot && now.process == process) {
            sink_.cpg(node, std::move(event));
        }
    });
}

void Corosync::cast(std::size_t node, bool vote) {
    if (std::exchange(machines_[node].cast, vote) != vote) {
        tell_quorum(node);
    }
}

void Corosync::tell_quorum(std::size_t node) {
    auto& machine = machines_[node];
    QuorumChanged change;
    change.ring = machine.ring->id;
    change.votes = options_.votes[node];
    change.expected_votes =
        std::accumulate(options_.votes.begin(), options_.votes.end(), options_.disk_votes);
    change.quorum = change.expected_votes / 2 + 1;
    std::uint32_t total = machine.cast ? options_.disk_votes : 0;
    for (const auto member : machine.ring->members) {
        total += options_.votes[member];
    }
    change.quorate = total >= change.quorum;
    const auto slow = random_.one_in(4) ? milliseconds(800) : milliseconds(20);
    machine.quorum_ready =
        std::max(machine.quorum_ready, events_.now() + between(random_, Time(20), slow));
    events_.at(machine.quorum_ready, [this, node, change, boot = machine.boot] {
        if (machines_[node].on && machines_[node].boot == boot) {
            sink_.quorum(node, change);
        }
    });
}

}  // namespace quorate::cluster::simulator
