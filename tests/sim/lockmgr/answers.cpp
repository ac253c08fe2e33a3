#include <algorithm>

#include <fmt/core.h>

#include "world.hpp"

// What clients hear: their requests' ends, that they wait, that they stand in somebody's way.
namespace quorate::lockmgr::simulator {
namespace {

constexpr sim::Time kCycleBound = seconds(8);  // until it has a victim

}  // namespace

// The request waits: now its lock has a number.
void World::on(std::size_t node, const Waiting& output) {
    auto& host = hosts_[node];
    auto& client = host.clients[output.client.value() - 1];
    const auto it = client.starting.find(output.request);
    if (it != client.starting.end()) {
        oracle_.asked({host.life, output.lock}, output.request, events_.now());
        if (it->second.parent != LockId(0)) {
            ++client.locks[it->second.parent].children;
        }
        client.locks[output.lock] = it->second;
        client.starting.erase(it);
    }
}

// Any answer at all.
void World::hear(std::size_t node, const Completion& output) {
    oracle_.answered(hosts_[node].life, output);
    const bool done =
        output.status == LockStatus::kGranted || output.status == LockStatus::kUnlocked;
    if (done && !lease_runs(node)) {
        oracle_.fail(fmt::format("n{}: {} past the lease", node + 1, name_of(output.status)));
    }
    trace(node, fmt::format("c{} {} {:x} {} {} token {:x} value {}{}", output.client.value() - 1,
                            name_of(output.status), output.lock.value(), name_of(output.mode),
                            output.request.value(), output.token.value(),
                            output.has_value ? std::to_string(content_of(output.value)) : "-",
                            output.value_valid ? "" : " invalid"));
}

void World::on(std::size_t node, const Completion& output) {
    auto& host = hosts_[node];
    auto& client = host.clients[output.client.value() - 1];
    hear(node, output);
    if (defined(node, output)) {
        return;
    }
    if (client.calls.erase(output.request) != 0) {
        if (client.releases.erase(output.request) != 0 && output.status != LockStatus::kUnlocked &&
            output.status != LockStatus::kRevoked) {
            oracle_.fail(
                fmt::format("n{}: a release is refused: {}", node + 1, name_of(output.status)));
        }
        return;
    }
    if (client.abandoned.erase(output.request) != 0) {
        --client.pending;
        return;
    }
    const LockKey key{host.life, output.lock};
    oracle_.waited(key, events_.now());
    auto it = client.locks.find(output.lock);
    bool adopted = false;
    if (const auto fresh = client.starting.find(output.request); fresh != client.starting.end()) {
        const auto lock = fresh->second;
        check_cause(node, output, lock);
        adopted = lock.has(flag::ORPHAN);
        host.orphans.erase(output.lock);
        client.starting.erase(fresh);
        if (output.status == LockStatus::kGranted) {
            oracle_.asked(key, output.request, events_.now());
            oracle_.answered(host.life, output);
            if (lock.parent != LockId(0)) {
                ++client.locks[lock.parent].children;
            }
            it = client.locks.emplace(output.lock, lock).first;
            it->second.flags &= ~flag::ORPHAN;
        }
    } else if (it != client.locks.end()) {
        check_cause(node, output, it->second);
    }
    --client.pending;
    if (output.status == LockStatus::kGranted) {
        const bool was_granted = std::exchange(it->second.granted, true);
        const bool raises = !was_granted || !conflicts_no_more(it->second.mode, output.mode);
        if (raises && !host.quorate && !adopted) {
            oracle_.fail(fmt::format("n{}: a grant without quorum", node + 1));
        }
        it->second.mode = output.mode;
        it->second.told.reset();
        it->second.pending = RequestId(0);
        it->second.demotable = false;
        it->second.answered = events_.now();
        if (adopted) {
            it->second.told = LockMode::EX;  // whoever had it before was
            oracle_.adopted(key, it->second.resource, output.mode);
            return;
        }
        oracle_.granted(key, it->second.resource, output, events_.now());
        return;
    }
    refused(node, output, it);
}

void World::refused(std::size_t node, const Completion& output,
                    std::map<LockId, SimLock>::iterator it) {
    auto& host = hosts_[node];
    auto& client = host.clients[output.client.value() - 1];
    const LockKey key{host.life, output.lock};
    // Two conversions are ended by their master, of what it knows then, and the second is the
    // victim.
    const bool at_once = it != client.locks.end() && it->second.granted &&
                         output.cycle.size() == 2 &&
                         output.cycle[0].resource == output.cycle[1].resource;
    if (output.status == LockStatus::kDeadlock && output.cycle.empty()) {
        oracle_.fail(fmt::format("n{}: a victim is not told why", node + 1));
    } else if (output.status == LockStatus::kDeadlock && !at_once) {
        std::map<NodeId, cluster::MemberId> lives;
        for (const auto& other : hosts_) {
            if (other.started < oracle_.waits_since(key)) {
                lives[other.life.node] = other.life;
            }
        }
        const auto since = oracle_.victim(output, host.life, events_.now(), lives);
        // Where nothing breaks and no tree stands still for a drain, it does not take long.
        const auto took = events_.now() - since;
        trace(node, fmt::format("a cycle of {} has stood for {} ms", output.cycle.size(),
                                took / milliseconds(1)));
        if (!scenario_.faults && !scenario_.drains && took > kCycleBound) {
            oracle_.fail(
                fmt::format("n{}: a cycle has stood for {} ms", node + 1, took / milliseconds(1)));
        }
        check_victim(node, output);
    }
    if (it == client.locks.end()) {
        return;
    }
    it->second.pending = RequestId(0);
    it->second.asked_flags = 0;
    it->second.answered = events_.now();
    const bool demotable = std::exchange(it->second.demotable, false);
    if (!it->second.granted) {
        if (it->second.parent != LockId(0)) {
            --client.locks[it->second.parent].children;
        }
        client.locks.erase(it);
        oracle_.ended(key, events_.now());
        it = client.locks.end();
    } else if (it->second.mode != output.mode && output.status != LockStatus::kRevoked) {
        if (output.mode != LockMode::NL || !demotable) {
            oracle_.fail(fmt::format("n{}: refused, and {} became {}", node + 1,
                                     name_of(it->second.mode), name_of(output.mode)));
        }
        it->second.mode = output.mode;
    }
    if (it != client.locks.end() && output.status != LockStatus::kRevoked) {
        oracle_.restored(key, it->second.mode);
    }
    if (output.status == LockStatus::kDeadlock) {
        back_off(node, output.client.value() - 1);
    }
}

// Nobody else of the cycle has a lower priority, nor one that asked not to be searched for.
void World::check_victim(std::size_t node, const Completion& output) {
    const auto own = hosts_[node].clients[output.client.value() - 1].priority;
    for (const auto& entry : output.cycle) {
        const auto& host = hosts_[entry.node.value() - 1];
        if (host.started >= oracle_.waits_since({hosts_[node].life, output.lock})) {
            continue;
        }
        for (const auto& client : host.clients) {
            const auto it = client.locks.find(entry.lock);
            if (it == client.locks.end() || it->second.pending == RequestId(0)) {
                continue;
            }
            if (client.priority < own) {
                oracle_.fail(fmt::format("n{}: a victim of priority {} in spite of one of {}",
                                         node + 1, own, client.priority));
            }
            if (it->second.has(flag::NODLCKWT)) {
                oracle_.fail(fmt::format("n{}: a cycle with one that is not to count", node + 1));
            }
        }
    }
}

// A victim gives up everything else too, as soon as nothing is pending.
void World::back_off(std::size_t node, std::size_t index) {
    later(node, sim::Time(1), [this, node, index] {
        if (hosts_[node].clients[index].pending == 0) {
            while (release_leaf(node, index) != 0) {
            }
        }
    });
}

// A holder that is left out of deadlocks has promised to give way.
void World::on(std::size_t node, const BlockingEvent& output) {
    const auto client = output.client.value() - 1;
    trace(node,
          fmt::format("c{} {:x} blocks {}", client, output.lock.value(), name_of(output.mode)));
    auto& known = hosts_[node].clients[client].locks;
    if (const auto held = known.find(output.lock); held != known.end()) {
        held->second.told = std::max(held->second.told.value_or(LockMode::NL), output.mode);
    }
    later(node, sim::Time(10), [this, node, client, output] {
        auto& host = hosts_[node];
        if (!host.clients[client].open) {
            return;
        }
        const auto it = host.clients[client].locks.find(output.lock);
        if (it == host.clients[client].locks.end() || !it->second.has(flag::NODLCKBLK)) {
            return;
        }
        if (it->second.pending != RequestId(0)) {
            cancel(node, client, output.lock);
        } else {
            unlock(node, client, output.lock);
        }
    });
}

void World::on(std::size_t node, const Suspended& output) {
    auto& client = hosts_[node].clients[output.client.value() - 1];
    if (client.open && std::exchange(client.suspended, true)) {
        oracle_.fail(fmt::format("n{}: a client is suspended twice", node + 1));
    }
}

void World::on(std::size_t node, const Resumed& output) {
    auto& client = hosts_[node].clients[output.client.value() - 1];
    if (!std::exchange(client.suspended, false) || !hosts_[node].quorate || !lease_runs(node)) {
        oracle_.fail(fmt::format("n{}: a client is resumed without a cause", node + 1));
    }
}

}  // namespace quorate::lockmgr::simulator
