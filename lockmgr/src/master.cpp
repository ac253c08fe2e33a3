#include "manager.hpp"

namespace quorate::lockmgr {

// ---- requests of other nodes

void LockManager::Impl::handle(std::uint32_t from, EnqueueMessage& m) {
    const auto origin = party_of(m.origin);
    // One that was forwarded may be of a life before.
    if (origin == 0 || (origin != from && party_at(m.origin, message_issued) != origin)) {
        return;
    }
    if (m.parent != LockId(0)) {
        const auto parent = store.find_remote(origin, m.parent.value());
        if (parent == 0 || store.tree_of(store.locks[parent]).state != TreeState::kLocal) {
            send(origin, BounceMessage{m.lock, m.op});
            return;
        }
        serve_enqueue(origin, store.find_or_create(store.locks[parent].resource, m.name), m);
        return;
    }
    const auto resource = store.find(0, m.root);
    const auto tree = resource == 0 ? 0U : store.resources[resource].tree;
    if (tree != 0 && store.trees[tree].state == TreeState::kLocal) {
        auto& here = store.trees[tree];
        if (origin == kSelf) {
            return;  // its own request, by way of the directory: it has been served
        }
        // Whoever has stopped already hears of its requests from the next master. What comes by way
        // of the directory may overtake the word that it has: served here, it would be followed by
        // what comes too late.
        const bool stopped =
            moving(here) &&
            (origin != from || std::ranges::find(moves.find(m.root)->second.waiting, origin) ==
                                   moves.find(m.root)->second.waiting.end());
        if (stopped) {
            more(here).held.push_back(m);
        } else {
            serve_enqueue(origin, resource, m);
        }
        return;
    }
    if (const auto move = moves.find(m.root); move != moves.end()) {
        send(move->second.target, m);  // it went there
    } else if (m.entry_token == 0 && directory_of_root(m.root) == self()) {
        answer_lookup(from, m);
    } else {
        if (m.entry_token != 0 && !mutated("keep_stale_entry")) {
            send(from, VacateMessage{m.root, m.entry_token});
        }
        send(origin, BounceMessage{m.lock, m.op});
    }
}

void LockManager::Impl::serve_enqueue(std::uint32_t party, std::uint32_t resource,
                                      const EnqueueMessage& m) {
    auto& tree = store.trees[store.resources[resource].tree];
    if (const auto known = store.find_remote(party, m.lock.value()); known != 0) {
        reap(resource);
        answer_again(known);
        return;
    }
    if (store.locks.used() >= options.locks_max || store.resources[resource].depth >= kMaxDepth) {
        send(party, RefusedMessage{m.lock, m.op, LockStatus::kOverLimit});
        reap(resource);
        return;
    }
    if (tree.idle) {
        end_idle(store.resources[resource].tree);
    }
    const auto index = store.create_lock(resource);
    auto& lock = store.locks[index];
    lock.owner_id = m.lock.value();
    lock.party = static_cast<std::uint16_t>(party);
    lock.pid = m.pid;
    lock.xid = m.xid;
    lock.priority = m.priority;
    lock.op = m.op;
    lock.flags = m.flags;
    lock.requested = m.mode;
    lock.since = ms();
    list_at_end(index);
    store.index_remote(index);
    count_use(tree, party);
    release_lost_in(resource);
    answer(index, engine.request(index));
    carry_out_effects();
}

void LockManager::Impl::handle(std::uint32_t from, ConvertMessage& m) {
    auto index = store.find_remote(from, m.lock.value());
    if (index == 0 && from == kSelf) {
        index = store.index_of(m.lock);
    }
    if (index == 0 || !store.locks[index].has_granted ||
        store.tree_of(store.locks[index]).state != TreeState::kLocal) {
        if (m.op != 0) {
            send(from, BounceMessage{m.lock, m.op});
        }
        return;
    }
    auto& lock = store.locks[index];
    if (m.op != 0 && lock.op == m.op) {
        answer_again(index);
        return;
    }
    count_use(store.tree_of(lock), from);
    // One downwards that its owner made while the tree had no master: the next may wait already.
    const auto next_mode = lock.requested;
    const auto next_flags = lock.flags;
    const auto next_value =
        lock.value != 0 ? MaybeValue(store.values[lock.value].block) : std::nullopt;
    lock.requested = m.mode;
    lock.flags = m.flags;
    if (m.op != 0) {
        lock.op = m.op;
    }
    lock.since = ms();
    if (m.value) {
        store.value_of(lock).write(*m.value, m.flags);
    }
    release_lost_in(lock.resource);
    const auto outcome = engine.convert(index);
    if (m.op != 0) {
        answer(index, outcome);
    } else if (from == kSelf) {
        lock.requested = next_mode;
        lock.flags = next_flags;
        if (next_value) {
            store.value_of(lock).block = *next_value;
        }
    }
    carry_out_effects();
}

void LockManager::Impl::handle(std::uint32_t from, DequeueMessage& m) {
    const auto index = store.find_remote(from, m.lock.value());
    if (index != 0 && store.tree_of(store.locks[index]).state == TreeState::kLocal) {
        count_use(store.tree_of(store.locks[index]), from);
        remove_lock(index, m.flags, m.value ? &*m.value : nullptr);
    }
}

void LockManager::Impl::handle(std::uint32_t from, CancelMessage& m) {
    const auto index = store.find_remote(from, m.lock.value());
    if (index == 0 || store.locks[index].op != m.op ||
        store.tree_of(store.locks[index]).state != TreeState::kLocal) {
        return;
    }
    if (undecided(index)) {
        hold_cancel(from, m);
    } else if (engine.cancel(index)) {
        send_refused(index, {m.lock, m.op, m.status});
        carry_out_effects();
    }
}

bool LockManager::Impl::undecided(std::uint32_t index) const {
    const auto& lock = store.locks[index];
    return lock.queue == Queue::kConverting && engine.undecided(lock) &&
           !mutated("cancel_undecided");
}

void LockManager::Impl::hold_cancel(std::uint32_t from, const CancelMessage& m) {
    if (std::ranges::find(held_cancels, std::pair(from, m)) == held_cancels.end()) {
        held_cancels.emplace_back(from, m);
    }
}

void LockManager::Impl::retry_cancels() {
    for (auto& [from, m] : std::exchange(held_cancels, {})) {
        if (from != kSelf) {
            handle(from, m);
            continue;
        }
        const auto index = store.index_of(m.lock);
        if (index != 0 && store.locks[index].op == m.op && store.locks[index].cancelling) {
            store.locks[index].cancelling = false;
            cancel(index, store.locks[index].timed_out);
        }
    }
}

// ---- answers

void LockManager::Impl::answer(std::uint32_t index, Engine::Outcome outcome) {
    const auto& lock = store.locks[index];
    const auto id = store.owner_id_of(index);
    switch (outcome) {
        case Engine::Outcome::kGranted:
            send_granted(index);
            return;
        case Engine::Outcome::kQueued:
            send(lock.party, QueuedMessage{id, lock.op, lock.order, lock.granted});
            return;
        case Engine::Outcome::kNotQueued:
        case Engine::Outcome::kDeadlock:
            break;
    }
    const bool deadlock = outcome == Engine::Outcome::kDeadlock;
    deadlocks += deadlock ? 1U : 0U;
    RefusedMessage refused{id, lock.op, LockStatus::kNotQueued, {}};
    if (deadlock) {
        refused.status = LockStatus::kDeadlock;
        refused.opponents.push_back(opponent());
    }
    send_refused(index, std::move(refused));
}

void LockManager::Impl::send_refused(std::uint32_t index, RefusedMessage refused) {
    auto& lock = store.locks[index];
    if (lock.has_granted) {
        refused.granted = lock.granted;
        lock.requested = lock.granted;
        lock.demoted = false;
    }
    send(lock.party, refused);
    if (!lock.has_granted) {
        destroy(index);
    }
}

// Of the conversion that the engine has just refused.
RefusedMessage::Opponent LockManager::Impl::opponent() const {
    const auto& lock = store.locks[engine.opponent];
    return {node_of(lock.party), store.owner_id_of(engine.opponent), lock.pid, lock.xid,
            lock.requested};
}

// The owner asks again because an answer may have been lost with the master before.
void LockManager::Impl::answer_again(std::uint32_t index) {
    const auto& lock = store.locks[index];
    if (lock.queue == Queue::kGranted) {
        send_granted(index);
        engine.remind(index);
        carry_out_effects();
    } else {
        send(lock.party,
             QueuedMessage{store.owner_id_of(index), lock.op, lock.order, lock.granted});
    }
}

void LockManager::Impl::send_granted(std::uint32_t index) {
    auto& lock = store.locks[index];
    lock.requested = lock.granted;
    lock.since = ms();
    GrantedMessage message;
    message.lock = store.owner_id_of(index);
    message.op = lock.op;
    message.mode = lock.granted;
    message.token = lock.token;
    message.order = lock.order;
    message.bits = static_cast<std::uint8_t>((lock.demoted ? GrantedMessage::kDemoted : 0) |
                                             (lock.altered ? GrantedMessage::kAltered : 0));
    lock.demoted = false;
    const auto& resource = store.resources[lock.resource];
    if (resource.value != 0) {
        message.seen = store.values[resource.value].seq;
        if (store.values[resource.value].invalid) {
            message.bits |= GrantedMessage::kInvalid;
        }
    }
    if (lock.value != 0) {
        message.seq = store.values[lock.value].seq;
        if (lock.read_value) {
            message.value = store.values[lock.value].block;
        }
    }
    send(lock.party, message);
}

void LockManager::Impl::carry_out_effects() {
    for (std::size_t i = 0; i < engine.effects.size(); ++i) {
        const auto effect = engine.effects[i];
        const auto& lock = store.locks[effect.lock];
        const bool here = lock.party == kSelf;
        if (effect.kind == Effect::Kind::kGranted) {
            if (here) {
                granted_here(effect.lock);
            } else {
                send_granted(effect.lock);
            }
            continue;
        }
        const auto& by = store.locks[effect.by];
        const auto node = by.party != 0 ? node_of(by.party) : NodeId(0);
        if (here) {
            tell_blocked(effect.lock, effect.mode, node, by.pid);
        } else {
            send(lock.party,
                 BlockingMessage{store.owner_id_of(effect.lock), effect.mode, node, by.pid});
        }
    }
    engine.effects.clear();
}

void LockManager::Impl::remove_lock(std::uint32_t index, std::uint32_t flags,
                                    const ValueBlock* value) {
    engine.release(index, flags, value);
    destroy(index);
    carry_out_effects();
}

void LockManager::Impl::count_use(Tree& tree, std::uint32_t party) {
    if (party == kSelf && !tree.more) {
        return;
    }
    note_user(store.resources[tree.root].tree, party);
    auto& activity = more(tree).activity;
    if (party == kSelf && activity.empty()) {
        return;  // nobody to compare with
    }
    auto it = std::ranges::find(activity, party, &Activity::party);
    if (it == activity.end()) {
        activity.push_back({party, 0, 0});
        it = activity.end() - 1;
        watch(store.resources[tree.root].tree);
    }
    ++it->count;
}

WaitCause LockManager::Impl::cause_of(std::uint32_t index) const {
    const auto& lock = store.locks[index];
    const auto& resource = store.resources[lock.resource];
    const auto& tree = store.trees[resource.tree];
    if (frozen || lapsed) {
        return WaitCause::kQuorum;
    }
    switch (tree.state) {
        case TreeState::kUnknown:
        case TreeState::kLookup:
            return anybody_pending() && complete ? WaitCause::kTakeover : WaitCause::kDirectory;
        case TreeState::kStopped:
            return WaitCause::kMove;
        case TreeState::kRebuild:
            return WaitCause::kRecovery;
        case TreeState::kRemote:
            return WaitCause::kHolder;
        case TreeState::kLocal:
            break;
    }
    if (moving(tree)) {
        return WaitCause::kMove;
    }
    if (engine.haunted(tree)) {
        return WaitCause::kTakeover;
    }
    for (const auto which : {Queue::kGranted, Queue::kConverting}) {
        for (auto at = resource.queue(which).head; at != 0; at = store.locks[at].next) {
            if (at == index || !engine.holds_up(store.locks[at], lock)) {
                continue;
            }
            return parties[store.locks[at].party].member ? WaitCause::kHolder
                                                         : WaitCause::kTakeover;
        }
    }
    return WaitCause::kQueue;
}

}  // namespace quorate::lockmgr
