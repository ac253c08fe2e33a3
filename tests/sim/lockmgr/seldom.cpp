#include <algorithm>

#include <fmt/core.h>

#include "world.hpp"

// Flags and operations that only the thorough worlds have.
namespace quorate::lockmgr::simulator {

// ---- flags

MonoTime World::draw_deadline(std::size_t node, SimLock& lock) {
    const auto until = std::chrono::duration_cast<std::chrono::milliseconds>(
        events_.now() + between(random_, milliseconds(1), milliseconds(600)));
    lock.deadline = until;
    return MonoTime(until + std::chrono::seconds(1000 * (node + 1)));
}

void World::adorn(std::size_t node, Enqueue& input, SimLock& lock) {
    if (!scenario_.thorough) {
        return;
    }
    input.flags |=
        (random_.one_in(6) ? flag::HEADQUE : 0) | (random_.one_in(6) ? flag::NOQUORUMFAIL : 0);
    if (input.mode == LockMode::NL && (input.flags & flag::NOQUEUE) == 0 && random_.one_in(2)) {
        input.flags |= flag::EXPEDITE;
    }
    if (random_.one_in(4)) {
        input.deadline = draw_deadline(node, lock);
    }
}

void World::adorn(std::size_t node, Convert& input, SimLock& lock) {
    lock.deadline.reset();
    if (!scenario_.thorough) {
        return;
    }
    input.flags |=
        (random_.one_in(6) ? flag::HEADQUE : 0) | (random_.one_in(6) ? flag::NOORDER : 0) |
        (random_.one_in(6) ? flag::NOQUORUMFAIL : 0) | (random_.one_in(8) ? flag::IVVALBLK : 0);
    if (random_.one_in(4)) {
        input.flags |= random_.one_in(2) ? flag::ALTPR : flag::ALTCW;
    }
    if ((input.flags & flag::NOQUEUE) == 0) {
        input.flags |= random_.one_in(3) ? flag::CONVDEADLK : 0;
    } else if (random_.one_in(2)) {
        input.flags |= flag::NOQUEUEBAST;
    }
    if (random_.one_in(4)) {
        input.deadline = draw_deadline(node, lock);
    }
}

// ---- operations

// All of a client, or what is below one of its locks; a lock whose operation has not ended.
void World::act_seldom(std::size_t node, std::size_t client_index) {
    const auto& client = hosts_[node].clients[client_index];
    const bool adopts = std::ranges::any_of(
        client.starting, [](const auto& one) { return one.second.has(flag::ORPHAN); });
    if (adopts) {
        return;  // which one, it learns when the lease runs again
    }
    if (client.locks.empty() || random_.one_in(4)) {
        unlock_all(node, client_index, LockId(0));
        return;
    }
    const auto parent = std::ranges::find_if(
        client.locks, [](const auto& one) { return one.second.children != 0; });
    if (parent != client.locks.end() && random_.one_in(2)) {
        unlock_all(node, client_index, parent->first);
        return;
    }
    for (const auto& [id, lock] : client.locks) {
        if (lock.pending != RequestId(0)) {
            unlock(node, client_index, id);
            return;
        }
    }
}

// The lock is gone for its client; of what it still waits for the answer means nothing any more.
void World::give_up(std::size_t node, std::size_t client_index, LockId id) {
    auto& client = hosts_[node].clients[client_index];
    const auto it = client.locks.find(id);
    if (it->second.pending != RequestId(0)) {
        client.abandoned.insert(it->second.pending);
        oracle_.ended({hosts_[node].life, id}, events_.now());
    }
    if (const auto parent = client.locks.find(it->second.parent); parent != client.locks.end()) {
        --parent->second.children;
    }
    client.locks.erase(it);
}

void World::unlock_all(std::size_t node, std::size_t client_index, LockId top) {
    auto& host = hosts_[node];
    auto& client = host.clients[client_index];
    const auto below = [&](const SimLock& lock) {
        auto above = lock.parent;
        while (above != LockId(0) && above != top) {
            above = client.locks[above].parent;
        }
        return above == top;
    };
    std::vector<LockId> gone;
    for (const auto& [id, lock] : client.locks) {
        if (id != top && below(lock)) {
            gone.push_back(id);
        }
    }
    for (auto it = client.starting.begin(); it != client.starting.end();) {
        if (below(it->second)) {
            client.abandoned.insert(it->first);
            it = client.starting.erase(it);
        } else {
            ++it;
        }
    }
    DequeueAll input;
    input.client = id_of(client_index);
    input.request = RequestId(++requests_);
    input.lock = top;
    oracle_.asked({host.life, LockId(0)}, input.request, events_.now());
    trace(node, fmt::format("c{} releases all below {:x}", client_index, top.value()));
    for (const auto id : gone) {
        oracle_.released({host.life, id}, std::nullopt, false, events_.now());
        give_up(node, client_index, id);
    }
    client.calls.insert(input.request);
    client.releases.insert(input.request);
    give(node, input);
}

}  // namespace quorate::lockmgr::simulator
