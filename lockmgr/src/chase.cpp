#include "manager.hpp"

// Multi-resource deadlocks by edge chasing (Chandy, Misra, Haas). Whatever waits longer than
// deadlock_wait starts a search: its master asks the owners of what stands in its way what they
// wait for, and so on. A search that comes back to the owner that started it has found a cycle.
//
// Cycles are settled one at a time by the view's coordinator: every edge is looked at again, by its
// master. Each was seen twice with the same operation waiting and the same grant in its way, so it
// stood all the time between, and all of them stood together when the first look ended: the cycle
// is real. Its least member by (priority, time waited, node, lock) is the victim.
namespace quorate::lockmgr {

std::uint32_t LockManager::Impl::lock_of(NodeId node, LockId id) {
    const auto party = party_of(node);
    return party == kSelf ? store.index_of(id)
           : party == 0   ? 0
                          : store.find_remote(party, id.value());
}

// ---- the search

void LockManager::Impl::search(std::uint32_t index) {
    const auto& lock = store.locks[index];
    if (frozen || lock.client == 0 || (lock.flags & flag::NODLCKWT) != 0) {
        return;
    }
    if (ms() >= visited_until) {
        visited.clear();
        visited_until = ms() + 1000;
    }
    ChaseMessage message;
    message.stage = ChaseMessage::Stage::kAtMaster;
    message.round = ++search_round;
    chase_on(message, index);
}

// One more waiter: to its master.
void LockManager::Impl::chase_on(const ChaseMessage& m, std::uint32_t index) {
    const auto& lock = store.locks[index];
    const auto& tree = store.tree_of(lock);
    if ((tree.state != TreeState::kLocal && tree.state != TreeState::kRemote) ||
        m.path.size() >= kMaxCycle) {
        return;
    }
    ChaseMessage next = m;
    next.stage = ChaseMessage::Stage::kAtMaster;
    auto& edge = next.path.emplace_back();
    edge.node = self();
    edge.lock = store.id_of(index);
    edge.op = lock.op;
    edge.pid = lock.pid;
    edge.xid = lock.xid;
    edge.priority = lock.priority;
    edge.age = static_cast<std::uint32_t>(std::max<std::int64_t>(ms() - lock.since, 0));
    edge.requested = lock.requested;
    edge.resource = printable_key(store.root_key_of(tree));
    send(tree.master, next);
}

void LockManager::Impl::chase_at_master(ChaseMessage& m) {
    auto& edge = m.path.back();
    const auto index = lock_of(edge.node, edge.lock);
    if (index == 0) {
        return;
    }
    const auto& lock = store.locks[index];
    const auto& resource = store.resources[lock.resource];
    if (lock.op != edge.op || store.trees[resource.tree].state != TreeState::kLocal ||
        (lock.queue != Queue::kWaiting && lock.queue != Queue::kConverting)) {
        return;
    }
    edge.master = self();
    for (const auto which : {Queue::kGranted, Queue::kConverting}) {
        for (auto at = resource.queue(which).head; at != 0; at = store.locks[at].next) {
            if (engine.holds_up(store.locks[at], lock) &&
                (store.locks[at].flags & flag::NODLCKBLK) == 0) {
                follow_blocker(m, at, /*holds=*/true);
            }
        }
    }
    if ((lock.flags & flag::NOORDER) != 0) {
        return;
    }
    // The one before it in its queue waits for those before itself in turn.
    const auto ahead = lock.prev != 0                  ? lock.prev
                       : lock.queue == Queue::kWaiting ? resource.queue(Queue::kConverting).tail
                                                       : 0U;
    if (ahead != 0) {
        follow_blocker(m, ahead, /*holds=*/false);
    }
}

void LockManager::Impl::follow_blocker(const ChaseMessage& m, std::uint32_t blocker, bool holds) {
    const auto& lock = store.locks[blocker];
    ChaseMessage next = m;
    next.stage = ChaseMessage::Stage::kAtOwner;
    auto& edge = next.path.back();
    edge.blocker_node = node_of(lock.party);
    edge.blocker = LockId(lock.owner_id);
    edge.blocker_token = holds ? lock.token : 0;
    edge.blocker_op = holds ? 0 : lock.op;
    send(lock.party, next);
}

void LockManager::Impl::chase_at_owner(ChaseMessage& m) {
    const auto blocker = store.index_of(m.path.back().blocker);
    if (blocker == 0 || store.locks[blocker].client == 0) {
        return;
    }
    const auto client = store.locks[blocker].client;
    const auto xid = store.locks[blocker].xid;
    for (std::size_t i = 0; i < m.path.size(); ++i) {
        const auto& edge = m.path[i];
        const auto waiter = edge.node == self() ? store.index_of(edge.lock) : 0U;
        if (waiter == 0 || store.locks[waiter].client != client || store.locks[waiter].xid != xid) {
            continue;
        }
        if (i == 0) {
            report_cycle(m);
        }
        return;  // another owner's search will find that one
    }
    auto seen = mix(m.path.front().lock.value() ^ mix(m.path.front().node.value()));
    seen = mix(seen ^ m.round ^ mix(client) ^ xid);
    if (!visited.insert(seen).second) {
        return;
    }
    for (auto at = clients[client].last; at != 0 && store.locks[at].pending != Pending::kNone;
         at = store.locks[at].owner_prev) {
        if (store.locks[at].xid == xid && (store.locks[at].flags & flag::NODLCKWT) == 0) {
            chase_on(m, at);
        }
    }
}

// ---- the verdict

void LockManager::Impl::report_cycle(ChaseMessage& m) {
    m.stage = ChaseMessage::Stage::kReport;
    const auto coordinator = party_of(view.coordinator);
    send(coordinator != 0 ? coordinator : members.front(), m);
}

void LockManager::Impl::next_report() {
    if (report_open || reports.empty()) {
        return;
    }
    report_open = true;
    auto message = reports.front();
    message.stage = ChaseMessage::Stage::kConfirm;
    message.round = ++report_round;
    message.at = 0;
    const auto master = party_of(message.path.front().master);
    if (mutated("kill_unconfirmed")) {
        message.stage = ChaseMessage::Stage::kConfirmed;
        send(kSelf, message);
    } else if (master != 0) {
        send(master, message);
    } else {
        message.stage = ChaseMessage::Stage::kBroken;
        send(kSelf, message);
    }
}

bool LockManager::Impl::edge_stands(const Edge& edge) {
    const auto waiter = lock_of(edge.node, edge.lock);
    const auto blocker = lock_of(edge.blocker_node, edge.blocker);
    if (waiter == 0 || blocker == 0) {
        return false;
    }
    const auto& lock = store.locks[waiter];
    const auto& other = store.locks[blocker];
    if (lock.op != edge.op || lock.resource != other.resource ||
        store.tree_of(lock).state != TreeState::kLocal ||
        (lock.queue != Queue::kWaiting && lock.queue != Queue::kConverting)) {
        return false;
    }
    if (edge.blocker_op == 0) {
        return other.token == edge.blocker_token && engine.holds_up(other, lock) &&
               (other.flags & flag::NODLCKBLK) == 0;
    }
    if (other.op != edge.blocker_op || other.queue == Queue::kGranted) {
        return false;
    }
    return other.queue == lock.queue ? other.order < lock.order : lock.queue == Queue::kWaiting;
}

// At the master of edge `at`.
void LockManager::Impl::confirm(ChaseMessage& m) {
    using enum ChaseMessage::Stage;
    const auto coordinator = party_of(view.coordinator);
    const bool stands = edge_stands(m.path[m.at]);
    const bool last = m.at + 1 == m.path.size();
    const auto next = stands && !last ? party_of(m.path[m.at + 1].master) : 0;
    if (next != 0) {
        ++m.at;
        send(next, m);
        return;
    }
    m.stage = stands && last ? kConfirmed : kBroken;
    send(coordinator != 0 ? coordinator : members.front(), m);
}

// At the master of the victim, edge `at`.
void LockManager::Impl::kill(ChaseMessage& m) {
    const auto& edge = m.path[m.at];
    const auto index = lock_of(edge.node, edge.lock);
    if (index != 0 && store.locks[index].op == edge.op &&
        store.tree_of(store.locks[index]).state == TreeState::kLocal && engine.cancel(index)) {
        std::vector<CycleEntry> cycle;
        for (const auto& one : m.path) {
            cycle.push_back(
                {one.node, one.pid, one.xid, one.lock, one.requested, one.resource, one.blocker});
        }
        ++deadlocks;
        const auto& lock = store.locks[index];
        if (lock.party == kSelf) {
            finish(index, LockStatus::kDeadlock, std::move(cycle));
        } else {
            send(lock.party, RefusedMessage{LockId(lock.owner_id), lock.op, LockStatus::kDeadlock,
                                            std::move(cycle)});
            if (!lock.has_granted) {
                destroy(index);
            }
        }
        carry_out_effects();
    }
    m.stage = ChaseMessage::Stage::kKilled;
    const auto coordinator = party_of(view.coordinator);
    send(coordinator != 0 ? coordinator : members.front(), m);
}

void LockManager::Impl::handle(std::uint32_t, ChaseMessage& m) {
    using enum ChaseMessage::Stage;
    constexpr std::size_t kReportsMax = 1000;
    if (message_issued != epoch()) {
        return;  // whoever still waits searches again
    }
    switch (m.stage) {
        case kAtMaster:
            chase_at_master(m);
            return;
        case kAtOwner:
            chase_at_owner(m);
            return;
        case kReport:
            if (reports.size() < kReportsMax) {
                reports.push_back(std::move(m));
            }
            next_report();
            return;
        case kConfirm:
            confirm(m);
            return;
        case kKill:
            kill(m);
            return;
        case kConfirmed:
        case kBroken:
        case kKilled:
            break;
    }
    if (!report_open || m.round != report_round) {
        return;
    }
    if (m.stage == kConfirmed) {
        const auto least = std::ranges::min_element(m.path, {}, [](const Edge& edge) {
            return std::tuple(edge.priority, edge.age, edge.node, edge.lock);
        });
        m.at = static_cast<std::uint32_t>(least - m.path.begin());
        m.stage = kKill;
        const auto master = party_of(least->master);
        if (master != 0) {
            send(master, m);
            return;
        }
    }
    reports.pop_front();
    report_open = false;
    next_report();
}

}  // namespace quorate::lockmgr
