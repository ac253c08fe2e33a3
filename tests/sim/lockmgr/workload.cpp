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
    hosts_[node].clients[client].tasks = random_.one_in(2);
    give(node, input);
}

void World::act_later(std::size_t node, std::size_t client) {
    events_.after(between(random_, sim::Time(10), 2 * scenario_.pace),
                  [this, node, client, life = hosts_[node].life] {
                      const auto& host = hosts_[node];
                      if (host.manager && host.life == life && host.clients[client].open) {
                          act(node, client);
                          if (hosts_[node].manager && hosts_[node].clients[client].open) {
                              act_later(node, client);
                          }
                      }
                  });
}

void World::act(std::size_t node, std::size_t client_index) {
    auto& client = hosts_[node].clients[client_index];
    if (healed_) {
        while (release_leaf(node, client_index) != 0) {
        }
        return;
    }
    const auto dice = random_.below(100);
    if (dice < 1) {
        die(node, client_index);
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
            if (parent.granted && parent.pending == RequestId(0) && parent.depth < 3) {
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
    const std::uint32_t kFlags[] = {flag::NOQUEUE, flag::NOORDER, flag::ALTPR, flag::ALTCW,
                                    flag::NODLCKBLK & 0};
    input.flags = flag::BLOCKING | (random_.one_in(2) ? flag::VALBLK : 0) |
                  (random_.one_in(6) ? kFlags[random_.below(5)] : 0);
    lock.xid = !client.tasks               ? 0
               : input.parent == LockId(0) ? requests_
                                           : client.locks[input.parent].xid;
    input.xid = lock.xid;
    lock.requested = input.mode;
    lock.pending = input.request;
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
    if (const auto fresh = client.starting.find(output.request); fresh != client.starting.end()) {
        const auto lock = fresh->second;
        client.starting.erase(fresh);
        if (output.status == LockStatus::kGranted) {
            oracle_.asked(key, output.request, events_.now());
            oracle_.answered(host.life, output);
            if (lock.parent != LockId(0)) {
                ++client.locks[lock.parent].children;
            }
            it = client.locks.emplace(output.lock, lock).first;
        }
    }
    --client.pending;
    if (output.status == LockStatus::kGranted) {
        const bool was_granted = std::exchange(it->second.granted, true);
        it->second.mode = output.mode;
        it->second.pending = RequestId(0);
        oracle_.granted(key, it->second.resource, output, !was_granted);
        return;
    }
    if (output.status == LockStatus::kDeadlock && !output.cycle.empty()) {
        std::map<NodeId, cluster::MemberId> lives;
        for (const auto& other : hosts_) {
            if (other.started < oracle_.waits_since(key)) {
                lives[other.life.node] = other.life;
            }
        }
        oracle_.victim(output, host.life, events_.now(), lives);
    }
    if (it == client.locks.end()) {
        return;
    }
    it->second.pending = RequestId(0);
    if (!it->second.granted) {
        if (it->second.parent != LockId(0)) {
            --client.locks[it->second.parent].children;
        }
        client.locks.erase(it);
        oracle_.ended(key, events_.now());
        it = client.locks.end();
    } else if (it->second.mode != output.mode && output.status != LockStatus::kRevoked) {
        oracle_.fail(fmt::format("n{}: refused, and {} became {}", node + 1,
                                 name_of(it->second.mode), name_of(output.mode)));
    }
    if (it != client.locks.end() && output.status != LockStatus::kRevoked) {
        oracle_.restored(key, it->second.mode);
    }
    if (output.status == LockStatus::kDeadlock) {
        back_off(node, output.client.value() - 1);
    }
}

// A victim gives up everything else too, as soon as nothing is pending.
void World::back_off(std::size_t node, std::size_t index) {
    events_.after(sim::Time(1), [this, node, life = hosts_[node].life, index] {
        auto& later = hosts_[node];
        if (later.manager && later.life == life && later.clients[index].pending == 0) {
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
                  (random_.one_in(6) ? flag::NOQUEUE : 0);
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
        oracle_.died({host.life, id}, events_.now());
    }
    client = SimClient{};
    give(node, ClientGone{id_of(client_index)});
    open(node, client_index);
}

}  // namespace quorate::lockmgr::simulator
