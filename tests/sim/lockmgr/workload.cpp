#include <algorithm>

#include <fmt/core.h>

#include "world.hpp"

// Clients that take, convert and release locks at random, in the manner of transactions: while
// something is pending a client releases nothing, so that real deadlocks come about; a victim gives
// up everything. Once the world has healed they only finish.
namespace quorate::lockmgr::simulator {
namespace {

constexpr LockMode kModesDrawn[] = {LockMode::NL, LockMode::CR, LockMode::CW, LockMode::PR,
                                    LockMode::PW, LockMode::EX, LockMode::EX, LockMode::PR};

constexpr sim::Time kCycleBound = seconds(8);  // until it has a victim

ClientId id_of(std::size_t client) { return ClientId(static_cast<std::uint32_t>(client + 1)); }

}  // namespace

// Has the owner of locks with `xid` an operation pending?
bool SimClient::waits(std::uint64_t xid) const {
    const auto pends = [&](const auto& one) {
        return one.second.xid == xid && one.second.pending != RequestId(0);
    };
    return std::ranges::any_of(locks, pends) || std::ranges::any_of(starting, pends);
}

void World::open(std::size_t node, std::size_t client) {
    ClientOpened input;
    input.client = id_of(client);
    input.pid = static_cast<std::uint32_t>(100 + client);
    input.priority = static_cast<std::uint32_t>(random_.below(3));
    hosts_[node].clients[client].open = true;
    hosts_[node].clients[client].priority = input.priority;
    hosts_[node].clients[client].tasks = random_.one_in(2);
    give(node, input);
}

void World::act_later(std::size_t node, std::size_t client) {
    later(node, between(random_, sim::Time(10), 2 * scenario_.pace), [this, node, client] {
        if (hosts_[node].clients[client].open) {
            act(node, client);
            if (hosts_[node].manager && hosts_[node].clients[client].open) {
                act_later(node, client);
            }
        }
    });
}

void World::act(std::size_t node, std::size_t client_index) {
    auto& client = hosts_[node].clients[client_index];
    if (closing_ || hosts_[node].draining) {
        finish(node, client_index);
        return;
    }
    if (healed_) {
        return;  // all is quiet
    }
    const auto dice = random_.below(100);
    if (dice < 1) {
        die(node, client_index);
        return;
    }
    if (dice < 3) {
        purge(node, client_index, random_.one_in(20) ? random_.below(hosts_.size()) : node);
    }
    if (dice < 8 && !hosts_[node].orphans.empty()) {
        adopt(node, client_index);
        return;
    }
    if (client.locks.empty() || (dice < 40 && client.locks.size() < 6)) {
        ask(node, client_index);
        return;
    }
    auto it = client.locks.begin();
    std::advance(it, static_cast<std::ptrdiff_t>(random_.below(client.locks.size())));
    if (it->second.pending != RequestId(0)) {
        if (dice < 50) {
            cancel(node, client_index, it->first);
        }
    } else if (dice < 70) {
        convert(node, client_index, it->first);
    } else if (!client.waits(it->second.xid)) {
        unlock(node, client_index, it->first);
        if (dice > 90) {
            while (release_leaf(node, client_index) != 0) {
            }
        }
    }
}

// Gives up all it can. Who waits without being part of a deadlock's search must give up waiting,
// who blocks without being part of it must give way.
void World::finish(std::size_t node, std::size_t client_index) {
    const auto locks = hosts_[node].clients[client_index].locks;
    for (const auto& [id, lock] : locks) {
        if (lock.pending != RequestId(0) &&
            (lock.has(flag::NODLCKWT) || lock.has(flag::NODLCKBLK))) {
            cancel(node, client_index, id);
        } else if (lock.pending == RequestId(0) && lock.has(flag::NODLCKBLK)) {
            unlock(node, client_index, id);
        }
    }
    while (release_leaf(node, client_index) != 0) {
    }
    if (!hosts_[node].orphans.empty() || random_.one_in(8)) {
        purge(node, client_index, node);
    }
}

void World::ask(std::size_t node, std::size_t client_index) {
    auto& host = hosts_[node];
    auto& client = host.clients[client_index];
    Enqueue input;
    input.client = id_of(client_index);
    input.request = RequestId(++requests_);
    input.mode = kModesDrawn[random_.below(8)];
    SimLock lock;
    auto root = random_.below(scenario_.roots);
    if (scenario_.local && !random_.one_in(30)) {
        root = (node + static_cast<std::size_t>(events_.now() / seconds(5))) % scenario_.roots;
    }
    std::string name = fmt::format("r{}", root);
    lock.resource = name;
    if (scenario_.sublocks && random_.one_in(3)) {
        for (const auto& [id, parent] : client.locks) {
            if (parent.granted && parent.pending == RequestId(0) && parent.depth < 3 &&
                !parent.has(flag::NODLCKBLK)) {
                input.parent = id;
                lock.parent = id;
                lock.depth = parent.depth + 1;
                name = fmt::format("s{}", random_.below(2));
                lock.resource = parent.resource + "/" + name;
                break;
            }
        }
    }
    input.domain = input.parent == LockId(0) ? "d" : "";
    input.name = name;
    const std::uint32_t kFlags[] = {flag::NOQUEUE,
                                    flag::NOORDER,
                                    flag::ALTPR,
                                    flag::ALTCW,
                                    flag::NODLCKWT,
                                    flag::NODLCKBLK,
                                    flag::NOQUEUE | flag::NOQUEUEBAST};
    input.flags = flag::BLOCKING | (random_.one_in(2) ? flag::VALBLK : 0) |
                  (random_.one_in(5) ? kFlags[random_.below(7)] : 0);
    if (input.parent == LockId(0) && random_.one_in(5)) {
        input.flags |= flag::PERSISTENT;
    }
    lock.flags = input.flags;
    lock.xid = !client.tasks               ? 0
               : input.parent == LockId(0) ? requests_
                                           : client.locks[input.parent].xid;
    input.xid = lock.xid;
    lock.requested = input.mode;
    lock.pending = input.request;
    lock.asked_flags = input.flags;
    lock.asked = events_.now();
    client.starting[input.request] = lock;
    ++client.pending;
    oracle_.asked({host.life, LockId(0)}, input.request, events_.now());
    trace(node, fmt::format("c{} asks {} for {} ({})", client_index, lock.resource,
                            name_of(input.mode), input.request.value()));
    give(node, input);
}

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

void World::on(std::size_t node, const Completion& output) {
    auto& host = hosts_[node];
    auto& client = host.clients[output.client.value() - 1];
    oracle_.answered(host.life, output);
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
    if (client.calls.erase(output.request) != 0) {
        return;
    }
    const LockKey key{host.life, output.lock};
    oracle_.waited(key, events_.now());
    auto it = client.locks.find(output.lock);
    bool adopted = false;
    if (const auto fresh = client.starting.find(output.request); fresh != client.starting.end()) {
        const auto lock = fresh->second;
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

void World::convert(std::size_t node, std::size_t client_index, LockId id) {
    auto& host = hosts_[node];
    auto& client = host.clients[client_index];
    auto& lock = client.locks[id];
    Convert input;
    input.client = id_of(client_index);
    input.request = RequestId(++requests_);
    input.lock = id;
    input.mode = kModesDrawn[random_.below(8)];
    input.flags = flag::BLOCKING | (random_.one_in(2) ? flag::VALBLK : 0) |
                  (random_.one_in(6) ? flag::NOQUEUE : 0) |
                  (lock.flags & (flag::NODLCKWT | flag::NODLCKBLK));
    if (random_.one_in(8) && quecvt_allowed(lock.mode, input.mode)) {
        input.flags |= flag::QUECVT;
    } else if (random_.one_in(8) && (input.flags & flag::NOQUEUE) == 0) {
        input.flags |= flag::CONVDEADLK;
    }
    lock.cancelling = false;
    lock.asked_flags = input.flags;
    lock.asked = events_.now();
    lock.quiet_since = lock.answered;
    const auto content = ++contents_;
    input.value = block_of(content);
    lock.requested = input.mode;
    lock.pending = input.request;
    ++client.pending;
    const LockKey key{host.life, id};
    oracle_.asked(key, input.request, events_.now());
    trace(node, fmt::format("c{} converts {:x} {} from {} to {} ({})", client_index, id.value(),
                            lock.resource, name_of(lock.mode), name_of(input.mode),
                            input.request.value()));
    if (conflicts_no_more(lock.mode, input.mode)) {
        const bool writes = (input.flags & flag::VALBLK) != 0 &&
                            value_effect(lock.mode, input.mode) == ValueEffect::kWrite;
        oracle_.lowered(key, input.mode, writes ? std::optional(content) : std::nullopt, false);
        lock.mode = input.mode;
    } else if ((input.flags & flag::CONVDEADLK) != 0) {
        lock.demotable = true;
        oracle_.lowered(key, LockMode::NL, std::nullopt, false);  // until it is answered
    } else if (!conflicts_no_more(input.mode, lock.mode)) {
        oracle_.lowered(key, LockMode::CR, std::nullopt, false);  // CW or PR, until it is answered
    }
    give(node, input);
}

void World::unlock(std::size_t node, std::size_t client_index, LockId id) {
    auto& host = hosts_[node];
    auto& client = host.clients[client_index];
    const auto lock = client.locks[id];
    if (lock.children != 0) {
        return;
    }
    Dequeue input;
    input.client = id_of(client_index);
    input.request = RequestId(++requests_);
    input.lock = id;
    const bool writes = writes_value(lock.mode) && random_.one_in(2);
    const bool spoils = !writes && writes_value(lock.mode) && random_.one_in(20);
    input.flags = writes ? flag::VALBLK : spoils ? flag::IVVALBLK : 0;
    const auto content = ++contents_;
    input.value = block_of(content);
    const LockKey key{host.life, id};
    oracle_.asked(key, input.request, events_.now());
    oracle_.released(key, writes ? std::optional(content) : std::nullopt, spoils, events_.now());
    if (lock.parent != LockId(0)) {
        --client.locks[lock.parent].children;
    }
    client.locks.erase(id);
    client.calls.insert(input.request);
    trace(node, fmt::format("c{} releases {:x} {} {} writes {}", client_index, id.value(),
                            lock.resource, name_of(lock.mode), writes ? content : 0));
    give(node, input);
}

void World::cancel(std::size_t node, std::size_t client_index, LockId id) {
    auto& host = hosts_[node];
    Cancel input;
    input.client = id_of(client_index);
    input.request = RequestId(++requests_);
    input.lock = id;
    host.clients[client_index].calls.insert(input.request);
    host.clients[client_index].locks[id].cancelling = true;
    oracle_.asked({host.life, LockId(0)}, input.request, events_.now());
    trace(node, fmt::format("c{} cancels {:x}", client_index, id.value()));
    give(node, input);
}

// One lock without sublocks; 0 when there is none.
std::size_t World::release_leaf(std::size_t node, std::size_t client_index) {
    auto& client = hosts_[node].clients[client_index];
    for (const auto& [id, lock] : client.locks) {
        if (lock.children == 0 && !client.waits(lock.xid)) {
            unlock(node, client_index, id);
            return 1;
        }
    }
    return 0;
}

void World::die(std::size_t node, std::size_t client_index) {
    auto& host = hosts_[node];
    auto& client = host.clients[client_index];
    trace(node, fmt::format("c{} dies", client_index));
    oracle_.allow_invalid();
    for (const auto& [id, lock] : client.locks) {
        if (lock.has(flag::PERSISTENT) && lock.granted && lock.depth == 0) {
            host.orphans[id] = lock;
            host.orphans[id].children = 0;
            host.orphans[id].pending = RequestId(0);
            if (host.purges_until > events_.now()) {
                oracle_.purged({host.life, id}, /*by_its_node=*/false, events_.now());
            }
        } else {
            oracle_.died({host.life, id}, events_.now());
        }
    }
    client = SimClient{};
    give(node, ClientGone{id_of(client_index)});
    open(node, client_index);
}

// An orphan of this node, by its name and mode.
void World::adopt(std::size_t node, std::size_t client_index) {
    auto& host = hosts_[node];
    auto& client = host.clients[client_index];
    const auto lock = host.orphans.begin()->second;
    Enqueue input;
    input.client = id_of(client_index);
    input.request = RequestId(++requests_);
    input.domain = "d";
    input.name = lock.resource;
    input.mode = lock.mode;
    input.flags = flag::PERSISTENT | flag::ORPHAN | flag::BLOCKING;
    client.starting[input.request] = lock;
    client.starting[input.request].xid = 0;
    client.starting[input.request].flags |= flag::ORPHAN;
    client.starting[input.request].pending = input.request;
    ++client.pending;
    oracle_.asked({host.life, LockId(0)}, input.request, events_.now());
    trace(node, fmt::format("c{} adopts {} in {} ({})", client_index, lock.resource,
                            name_of(lock.mode), input.request.value()));
    give(node, input);
}

// It may come too late for some, and somebody may adopt one before: to the oracle they are free.
void World::purge(std::size_t node, std::size_t client_index, std::size_t of) {
    auto& host = hosts_[node];
    Purge input;
    input.client = id_of(client_index);
    input.request = RequestId(++requests_);
    input.node = NodeId(static_cast<std::uint32_t>(of + 1));
    host.clients[client_index].calls.insert(input.request);
    oracle_.asked({host.life, LockId(0)}, input.request, events_.now());
    trace(node, fmt::format("c{} purges n{}", client_index, of + 1));
    // Somebody has adopted it, and is told when the lease runs again.
    const auto adopted = [&](const SimLock& orphan) {
        return std::ranges::any_of(hosts_[of].clients, [&](const SimClient& one) {
            return std::ranges::any_of(one.starting, [&](const auto& asked) {
                return asked.second.has(flag::ORPHAN) && asked.second.resource == orphan.resource;
            });
        });
    };
    for (const auto& [id, lock] : hosts_[of].orphans) {
        oracle_.purged({hosts_[of].life, id}, /*by_its_node=*/of == node && !adopted(lock),
                       events_.now());
    }
    if (of == node) {
        host.orphans.clear();
    } else {
        hosts_[of].purges_until = events_.now() + seconds(8);
    }
    oracle_.allow_invalid();
    give(node, input);
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
