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
constexpr LockMode kMiddleModes[] = {LockMode::CW, LockMode::PR, LockMode::CW, LockMode::PR,
                                     LockMode::CW, LockMode::PR, LockMode::NL, LockMode::CR};

// What stands in nobody's way whom not both would keep waiting.
LockMode least_of(LockMode one, LockMode other) {
    return conflicts_no_more(one, other)   ? other
           : conflicts_no_more(other, one) ? one
                                           : LockMode::CR;
}

}  // namespace

// Has the owner of locks with `xid` an operation pending?
bool SimClient::waits(std::uint64_t xid) const {
    const auto pends = [&](const auto& one) {
        return one.second.xid == xid && one.second.pending != RequestId(0);
    };
    return std::ranges::any_of(locks, pends) || std::ranges::any_of(starting, pends);
}

bool SimClient::has_sublocks(LockId lock) const {
    return std::ranges::any_of(locks, [&](const auto& one) { return one.second.parent == lock; }) ||
           std::ranges::any_of(starting,
                               [&](const auto& one) { return one.second.parent == lock; });
}

void World::open(std::size_t node, std::size_t client) {
    ClientOpened input;
    input.client = id_of(client);
    input.pid = static_cast<std::uint32_t>(100 + client);
    input.priority = static_cast<std::uint32_t>(random_.below(3));
    draw_user(client, input);
    auto& opened = hosts_[node].clients[client];
    opened.open = true;
    opened.priority = input.priority;
    opened.uid = input.uid;
    opened.gids = input.gids;
    opened.connection = ++connections_;
    opened.tasks = random_.one_in(2);
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
    if (scenario_.thorough && random_.one_in(12)) {
        act_seldom(node, client_index);
        return;
    }
    if (scenario_.rights && random_.one_in(8)) {
        define(node, client_index);
        return;
    }
    const auto dice = random_.below(100);
    if (dice < 1) {
        die(node, client_index);
        return;
    }
    if (dice < 3 && client.uid == 0) {
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
    const bool may_purge = hosts_[node].clients[client_index].uid == 0;
    if (may_purge && (!hosts_[node].orphans.empty() || random_.one_in(8))) {
        purge(node, client_index, node);
    }
}

void World::ask(std::size_t node, std::size_t client_index) {
    auto& host = hosts_[node];
    auto& client = host.clients[client_index];
    Enqueue input;
    input.client = id_of(client_index);
    input.request = RequestId(++requests_);
    input.mode = (scenario_.silences ? kMiddleModes : kModesDrawn)[random_.below(8)];
    SimLock lock;
    auto root = random_.below(scenario_.roots);
    if (scenario_.local && !random_.one_in(30)) {
        root = (node + static_cast<std::size_t>(events_.now() / seconds(5))) % scenario_.roots;
    }
    lock.domain = draw_domain();
    std::string name = fmt::format("{}r{}", scenario_.rights ? lock.domain : "", root);
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
                lock.domain = parent.domain;
                break;
            }
        }
    }
    input.domain = input.parent == LockId(0) ? std::string_view(lock.domain) : "";
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
    adorn(node, input, lock);
    lock.flags = input.flags;
    lock.pid = static_cast<std::uint32_t>(100 + client_index);
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
    if (scenario_.rights) {
        domains_.asked(lock.domain, who(node, client_index), events_.now());
    }
    trace(node, fmt::format("c{} asks {} for {} ({})", client_index, lock.resource,
                            name_of(input.mode), input.request.value()));
    give(node, input);
}

void World::convert(std::size_t node, std::size_t client_index, LockId id) {
    auto& host = hosts_[node];
    auto& client = host.clients[client_index];
    auto& lock = client.locks[id];
    Convert input;
    input.client = id_of(client_index);
    input.request = RequestId(++requests_);
    input.lock = id;
    input.mode = (scenario_.silences ? kMiddleModes : kModesDrawn)[random_.below(8)];
    const bool reads = random_.one_in(2) && client.uid == 0;
    input.flags = flag::BLOCKING | (reads ? flag::VALBLK : 0) |
                  (random_.one_in(6) ? flag::NOQUEUE : 0) |
                  (lock.flags & (flag::NODLCKWT | flag::NODLCKBLK));
    if (random_.one_in(8) && quecvt_allowed(lock.mode, input.mode)) {
        input.flags |= flag::QUECVT;
    } else if (random_.one_in(8) && (input.flags & flag::NOQUEUE) == 0) {
        input.flags |= flag::CONVDEADLK;
    }
    if (scenario_.silences && random_.one_in(6)) {  // or between the two in the alternative
        input.mode = random_.one_in(2) ? LockMode::PW : LockMode::EX;
        input.flags |= random_.one_in(2) ? flag::ALTPR : flag::ALTCW;
    }
    adorn(node, input, lock);
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
    const auto alternative = (input.flags & flag::ALTPR) != 0   ? LockMode::PR
                             : (input.flags & flag::ALTCW) != 0 ? LockMode::CW
                                                                : input.mode;
    if (conflicts_no_more(lock.mode, input.mode)) {
        const bool effective = value_effect(lock.mode, input.mode) == ValueEffect::kWrite;
        const bool invalidates = effective && (input.flags & flag::IVVALBLK) != 0;
        const bool writes = effective && !invalidates && (input.flags & flag::VALBLK) != 0;
        oracle_.lowered(key, input.mode, writes ? std::optional(content) : std::nullopt,
                        invalidates);
        lock.mode = input.mode;
    } else if ((input.flags & flag::CONVDEADLK) != 0) {
        lock.demotable = true;
        oracle_.doubted(key, LockMode::NL);
    } else if (const auto least = least_of(least_of(lock.mode, input.mode), alternative);
               least != lock.mode) {
        oracle_.doubted(key, least);
    }
    give(node, input);
}

void World::unlock(std::size_t node, std::size_t client_index, LockId id) {
    auto& host = hosts_[node];
    auto& client = host.clients[client_index];
    const auto lock = client.locks[id];
    if (client.has_sublocks(id)) {
        return;
    }
    Dequeue input;
    input.client = id_of(client_index);
    input.request = RequestId(++requests_);
    input.lock = id;
    const bool pending = lock.pending != RequestId(0);
    const bool may_write = writes_value(lock.mode) && client.uid == 0;
    const bool writes = !pending && may_write && random_.one_in(2);
    const bool spoils = !pending && !writes && may_write && random_.one_in(20);
    input.flags = (writes   ? flag::VALBLK
                   : spoils ? flag::IVVALBLK
                            : 0) |
                  (pending ? flag::FORCEUNLOCK : 0);
    const auto content = ++contents_;
    input.value = block_of(content);
    const LockKey key{host.life, id};
    oracle_.asked(key, input.request, events_.now());
    oracle_.released(key, writes ? std::optional(content) : std::nullopt, spoils, events_.now());
    give_up(node, client_index, id);
    client.calls.insert(input.request);
    if (lock.granted) {  // else it may have come to nothing already
        client.releases.insert(input.request);
    }
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
        if (!client.has_sublocks(id) && !client.waits(lock.xid)) {
            unlock(node, client_index, id);
            return 1;
        }
    }
    return 0;
}

}  // namespace quorate::lockmgr::simulator
