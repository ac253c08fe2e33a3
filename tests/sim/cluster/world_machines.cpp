#include <fmt/core.h>

#include "world.hpp"

namespace quorate::cluster::simulator {

using sim::between;
using sim::milliseconds;
using sim::seconds;
using sim::Time;

// ---- machines and processes

void World::power_on(std::size_t node) {
    auto& host = hosts_[node];
    if (host.on || (healed_ && is_stranger(node))) {
        return;
    }
    disk_->freeze(node, false);
    corosync_->power_on(node);
    host.corosync_down = false;
    host.on = true;
    host.frozen = false;
    if (above_ != nullptr) {
        above_->power(node, true);
    }
    start_process(node);
}

void World::power_off(std::size_t node) {
    auto& host = hosts_[node];
    if (!host.on) {
        return;
    }
    kill_process(node);
    leases_.page_gone(events_.now(), host.id);
    host.on = false;
    corosync_->power_off(node);
    if (above_ != nullptr) {
        above_->power(node, false);
    }
}

// A member's Corosync alone; its clusterd goes on, and joins again.
void World::corosync_dies(std::size_t node) {
    auto& host = hosts_[node];
    if (!host.on || host.frozen || std::exchange(host.corosync_down, true)) {
        return;
    }
    corosync_->power_off(node);
    host.connected = false;
    host.channels[Channel::kQuorum].clear();
    feed(node, Channel::kGroup, MachineInput(GroupLost{}));
}

void World::corosync_starts(std::size_t node) {
    if (!std::exchange(hosts_[node].corosync_down, false)) {
        return;
    }
    corosync_->power_on(node);
    connect(node);
    start_process(node);
}

// A clusterd that has noticed the loss: what was queued for it comes first.
void World::connect(std::size_t node) {
    auto& host = hosts_[node];
    const auto& queue = host.channels[Channel::kGroup];
    if (host.machine && !host.connected && !host.corosync_down && queue.empty()) {
        host.connected = true;
        corosync_->join(node, host.process);
    }
}

void World::start_process(std::size_t node) {
    auto& host = hosts_[node];
    if (!host.on || host.frozen || host.machine || host.corosync_down) {
        return;
    }
    leases_.page_gone(events_.now(), host.id);
    MachineOptions options;
    options.lease = scenario_.lease;
    auto& membership = options.membership;
    membership.self.id = {Corosync::id_of(node), Incarnation(random_.next())};
    membership.self.name = fmt::format("n{}", node + 1);
    membership.self.levels = {1, 1};
    membership.self.addresses.resize(kRings);
    membership.process = host.process = ++next_process_;
    membership.cluster_name = is_stranger(node) ? "other" : "sim";
    host.id = membership.self.id;
    host.machine = std::make_unique<Machine>(options);
    host.process_frozen = false;
    host.pressed.clear();
    if (above_ != nullptr) {
        above_->started(node);
    }
    feed(node, Channel::kFloor, FloorLoaded{host.durable});
    const std::vector<std::string> names{"serving", "heir.serving"};
    for (const auto& name : above_ != nullptr ? above_->fencers(node) : names) {
        if (above_ != nullptr || random_.one_in(2)) {
            add_fencer(node, name);
        }
    }
    host.connected = true;
    corosync_->join(node, host.process);
    disk_->tell(node);
}

void World::kill_process(std::size_t node) {
    auto& host = hosts_[node];
    if (!host.machine) {
        return;
    }
    if (host.unflushed && random_.one_in(2)) {
        host.durable = host.unflushed;
    }
    host.unflushed.reset();
    host.machine.reset();
    host.armed.reset();
    host.channels.clear();
    waiting_.clear();
    network_->close_all(node);
    if (!host.frozen) {
        corosync_->leave(node);
    }
    if (above_ != nullptr) {
        above_->ended(node);
    }
}

void World::add_fencer(std::size_t node, const std::string& name) {
    leases_.fencer_added(hosts_[node].id, name);
    feed(node, Channel::kFencer, AddFencer{name});
}

void World::confirm(std::size_t node, const std::string& fencer, MemberId lost) {
    if (hosts_[node].machine) {
        leases_.fencer_confirmed(hosts_[node].id, fencer, lost);
        feed(node, Channel::kFencer, FencerConfirmed{fencer, lost});
    }
}

void World::stop_process(std::size_t node) {
    auto& host = hosts_[node];
    if (host.runs() && carry_out(node, host.machine->stop(host.clock.exact(events_.now())))) {
        kill_process(node);
    }
}

void World::freeze(std::size_t node, bool machine, Time duration) {
    auto& host = hosts_[node];
    if (!host.on || host.frozen || host.process_frozen) {
        return;
    }
    (machine ? host.frozen : host.process_frozen) = true;
    if (machine) {
        corosync_->freeze(node);
    }
    disk_->freeze(node, true);
    if (above_ != nullptr && machine) {
        above_->frozen(node, events_.now() + duration);
    }
    events_.after(duration, [this, node, machine] {
        auto& thawed = hosts_[node];
        if (!thawed.on || !(machine ? thawed.frozen : thawed.process_frozen)) {
            return;
        }
        (machine ? thawed.frozen : thawed.process_frozen) = false;
        if (machine) {
            corosync_->thaw(node);
        }
        disk_->freeze(node, false);
        start_process(node);
        pump(node);
        arm(node);
    });
}

// ---- clusterd

void World::feed(std::size_t node, Channel channel, HostInput input) {
    auto& host = hosts_[node];
    if (host.machine) {
        host.channels[channel].push_back(std::move(input));
        pump(node);
    }
}

void World::pump(std::size_t node) {
    auto& host = hosts_[node];
    if (host.busy) {
        return;
    }
    host.busy = true;
    while (host.runs()) {
        const auto input = host.channels.take(random_);
        if (!input) {
            break;
        }
        step(node, *input);
    }
    host.busy = false;
    connect(node);
}

void World::step(std::size_t node, const HostInput& input) {
    auto& machine = *hosts_[node].machine;
    const auto now = hosts_[node].clock.exact(events_.now());
    const auto* arrived = std::get_if<Arrived>(&input);
    const bool alive = carry_out(
        node, arrived != nullptr ? machine.step(now, Received{arrived->connection, arrived->bytes})
                                 : machine.step(now, std::get<MachineInput>(input)));
    if (alive) {
        arm(node);
    }
}

// False: it died between two of them. What comes of messages that are sent meanwhile comes after.
bool World::carry_out(std::size_t node, const MachineOutputs& outputs) {
    if (carrying_ == node) {
        waiting_.insert(waiting_.end(), outputs.begin(), outputs.end());
        return true;
    }
    const auto outer = std::exchange(carrying_, node);
    bool alive = carry_each(node, outputs);
    while (alive && !waiting_.empty()) {
        alive = carry_each(node, std::exchange(waiting_, {}));
    }
    carrying_ = outer;
    return alive;
}

bool World::carry_each(std::size_t node, const MachineOutputs& outputs) {
    const auto process = hosts_[node].process;
    for (const auto& output : outputs) {
        if (crashes_now(node)) {
            return false;
        }
        std::visit([&](const auto& one) { on(node, one); }, output);
        if (!hosts_[node].machine || hosts_[node].process != process) {
            return false;
        }
    }
    return true;
}

bool World::crashes_now(std::size_t node) {
    if (healed_ || !scenario_.crash_between_effects || !random_.one_in(4000)) {
        return false;
    }
    const auto pause = between(random_, milliseconds(50), seconds(3));
    if (random_.one_in(2)) {
        power_off(node);
        events_.after(pause, [this, node] { power_on(node); });
    } else {
        kill_process(node);
        events_.after(pause, [this, node] { start_process(node); });
    }
    return true;
}

void World::arm(std::size_t node) {
    auto& host = hosts_[node];
    if (!host.runs()) {
        return;
    }
    const auto deadline = host.machine->deadline();
    if (!deadline) {
        return;
    }
    const auto when = std::max(host.clock.when(*deadline), events_.now());
    if (host.armed && *host.armed <= when) {
        return;
    }
    host.armed = when;
    events_.at(when, [this, node, when, process = host.process] {
        auto& due = hosts_[node];
        if (due.process != process || due.armed != when) {
            return;
        }
        due.armed.reset();
        if (due.runs()) {
            feed(node, Channel::kTimer, MachineInput(Tick{}));
        }
    });
}

}  // namespace quorate::cluster::simulator
