#include <algorithm>

#include <fmt/core.h>

#include "world.hpp"

// Clients that die, and what they leave.
namespace quorate::lockmgr::simulator {

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
    domains_.gone(who(node, client_index), events_.now());
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
    input.domain = lock.domain;
    input.name = lock.resource;
    input.mode = lock.mode;
    if (scenario_.thorough && random_.one_in(8)) {
        input.mode = mode_of(random_.below(kModes));
    }
    input.flags = flag::PERSISTENT | flag::ORPHAN | flag::BLOCKING;
    auto& starting = client.starting[input.request];
    starting = lock;
    starting.xid = 0;
    starting.flags |= flag::ORPHAN;
    starting.asked_flags = input.flags;
    starting.asked = events_.now();
    starting.requested = input.mode;
    starting.pending = input.request;
    starting.pid = static_cast<std::uint32_t>(100 + client_index);
    starting.deadline.reset();
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
    if (scenario_.thorough && random_.one_in(2)) {
        input.pid = static_cast<std::uint32_t>(100 + random_.below(scenario_.clients));
    }
    const auto meant = [&](const SimLock& orphan) {
        return input.pid == 0 || orphan.pid == input.pid;
    };
    for (const auto& [id, lock] : hosts_[of].orphans) {
        if (meant(lock)) {
            oracle_.purged({hosts_[of].life, id}, /*by_its_node=*/of == node && !adopted(lock),
                           events_.now());
        }
    }
    if (of == node) {
        std::erase_if(host.orphans, [&](const auto& one) { return meant(one.second); });
    } else {
        hosts_[of].purges_until = events_.now() + seconds(8);
    }
    oracle_.allow_invalid();
    give(node, input);
}

}  // namespace quorate::lockmgr::simulator
