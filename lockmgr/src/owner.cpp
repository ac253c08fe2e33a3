#include "manager.hpp"

namespace quorate::lockmgr {
namespace {

Message operation_of(const Store& store, std::uint32_t index, NodeId self) {
    const auto& lock = store.locks[index];
    const auto id = store.id_of(index);
    if (lock.has_granted) {
        ConvertMessage message;
        message.lock = id;
        message.op = lock.op;
        message.mode = lock.requested;
        message.flags = lock.flags;
        if ((lock.flags & flag::VALBLK) != 0 && lock.value != 0 &&
            value_effect(lock.granted, lock.requested) == ValueEffect::kWrite) {
            message.value = store.values[lock.value].block;
        }
        return message;
    }
    EnqueueMessage message;
    message.origin = self;
    const auto& resource = store.resources[lock.resource];
    if (lock.parent != 0) {
        message.parent = store.id_of(lock.parent);
        message.name = resource.name.view();
    } else {
        message.root = resource.name.view();
    }
    message.lock = id;
    message.op = lock.op;
    message.pid = lock.pid;
    message.xid = lock.xid;
    message.priority = lock.priority;
    message.mode = lock.requested;
    message.flags = lock.flags;
    return message;
}

}  // namespace

// ---- the way of an operation

void LockManager::Impl::begin_operation(std::uint32_t index, RequestId request,
                                        const std::optional<MonoTime>& due) {
    auto& lock = store.locks[index];
    lock.request = request.value();
    lock.since = ms();
    const auto op = ++lock.op;
    lock.cancelling = lock.timed_out = false;
    const auto id = store.id_of(index);
    dispatch(index);
    if (store.index_of(id) == index && lock.op == op && lock.pending != Pending::kNone) {
        move_to_end(index);
        if (due) {
            arm(index, due->time_since_epoch().count(), Timer::Kind::kDeadline);
        }
        arm(index, ms() + options.deadlock_wait.count(), Timer::Kind::kSearch);
    }
}

// To the engine, to the master, to the directory, or to wait for one of them.
void LockManager::Impl::dispatch(std::uint32_t index) {
    auto& lock = store.locks[index];
    const auto tree_index = store.resources[lock.resource].tree;
    auto& tree = store.trees[tree_index];
    if (tree.state == TreeState::kLocal && lock.has_granted &&
        conflicts_no_more(lock.granted, lock.requested)) {
        submit(index);  // nothing forbids it
        return;
    }
    if (frozen || (lapsed && lock.pending == Pending::kNone)) {
        if ((lock.flags & flag::NOQUORUMFAIL) != 0) {
            finish(index, LockStatus::kNoQuorum);
            return;
        }
        waiting_for_quorum.emplace_back(store.id_of(index), lock.op);
        lock.pending = Pending::kHeld;
        wait_for(index, WaitCause::kQuorum);
        return;
    }
    if (lock.queue == Queue::kNone && tree.state != TreeState::kLocal) {
        store.push_back(index, Queue::kGranted);  // a list only
    }
    switch (tree.state) {
        case TreeState::kLocal:
            if (moving(tree)) {
                hold(index, WaitCause::kMove);
            } else {
                submit(index);
            }
            break;
        case TreeState::kUnknown:
            look_up(tree_index, index);
            break;
        case TreeState::kRemote:
            send_operation(index);
            break;
        case TreeState::kLookup:
            hold(index, WaitCause::kDirectory);
            break;
        case TreeState::kStopped:
            hold(index, WaitCause::kMove);
            break;
        case TreeState::kRebuild:
            hold(index, WaitCause::kRecovery);
            break;
    }
}

void LockManager::Impl::submit(std::uint32_t index) {
    auto& lock = store.locks[index];
    auto& tree = store.tree_of(lock);
    count_use(tree, kSelf);
    release_lost_in(lock.resource);
    Engine::Outcome outcome;
    if (lock.has_granted) {
        outcome = engine.convert(index);
    } else {
        store.unlink(index);
        outcome = engine.request(index);
    }
    switch (outcome) {
        case Engine::Outcome::kGranted:
            granted_here(index);
            break;
        case Engine::Outcome::kQueued:
            lock.pending = Pending::kQueued;
            wait_for(index, cause_of(index));
            if (lock.cancelling || (lock.flags & flag::NOQUEUE) != 0) {
                cancel(index, lock.timed_out);
            }
            break;
        case Engine::Outcome::kNotQueued:
            finish(index, LockStatus::kNotQueued);
            break;
        case Engine::Outcome::kDeadlock:
            ++deadlocks;
            finish(index, LockStatus::kDeadlock, cycle_with(index, opponent()));
            break;
    }
    carry_out_effects();
}

void LockManager::Impl::send_operation(std::uint32_t index) {
    auto& lock = store.locks[index];
    auto& tree = store.tree_of(lock);
    const bool known = lock.pending != Pending::kNone;
    // The master remembered may have none of this node's locks any more, and not be it any more.
    tree.certain = tree.certain && (lock.has_granted || stands_at_master(tree));
    lock.pending = Pending::kSent;
    auto message = operation_of(store, index, self());
    if (auto* enqueue = std::get_if<EnqueueMessage>(&message); enqueue != nullptr) {
        // This node is the directory too: it must hear if its entry is stale.
        const auto entry = entries.find(enqueue->root);
        if (entry != entries.end() && entry->second.master == tree.master) {
            enqueue->entry_token = std::max<std::uint64_t>(entry->second.token, 1);
        }
    }
    send(tree.master, message);
    if (!known) {
        wait_for(index, WaitCause::kMaster);
    }
    if (lock.cancelling) {
        send(tree.master, CancelMessage{store.id_of(index), lock.op});
    }
}

// Has the master a lock of this node? Below the root there is none without one on it.
bool LockManager::Impl::stands_at_master(const Tree& tree) const {
    for (auto at = store.resources[tree.root].queue(Queue::kGranted).head; at != 0;
         at = store.locks[at].next) {
        if (store.locks[at].has_granted || store.locks[at].pending == Pending::kQueued) {
            return true;
        }
    }
    return false;
}

// Of one in a queue, which keeps its place: it may have been granted.
void LockManager::Impl::ask_again(std::uint32_t index) {
    send(store.tree_of(store.locks[index]).master, operation_of(store, index, self()));
}

void LockManager::Impl::hold(std::uint32_t index, WaitCause cause) {
    auto& lock = store.locks[index];
    const bool known = lock.pending != Pending::kNone;
    lock.pending = Pending::kHeld;
    more(store.tree_of(lock)).held.push_back(operation_of(store, index, self()));
    if (!known) {
        wait_for(index, cause);
    }
}

void LockManager::Impl::wait_for(std::uint32_t index, WaitCause cause) {
    const auto& lock = store.locks[index];
    if (clients[lock.client].open) {
        out->push_back(
            Waiting{ClientId(lock.client), RequestId(lock.request), store.id_of(index), cause});
    }
}

// A request that was not to be queued is cancelled by its master, or by this node for it.
LockStatus LockManager::Impl::cancelled_as(const Lock& lock) const {
    const bool unwanted = lock.pending == Pending::kQueued && (lock.flags & flag::NOQUEUE) != 0;
    return unwanted         ? LockStatus::kNotQueued
           : lock.timed_out ? LockStatus::kTimedOut
                            : LockStatus::kCancelled;
}

// What needs no answer: releases, conversions downwards, cancels. In order with the rest.
void LockManager::Impl::route(Tree& tree, Message message) {
    switch (tree.state) {
        case TreeState::kLocal:
            handle_any(kSelf, message);
            break;
        case TreeState::kRemote:
            send(tree.master, message);
            break;
        case TreeState::kUnknown:
            break;  // nobody has heard of the lock
        case TreeState::kLookup:
        case TreeState::kStopped:
        case TreeState::kRebuild:
            more(tree).held.push_back(std::move(message));
            break;
    }
}

// The master always grants it: it is done here before it is done there.
void LockManager::Impl::convert_at_once(std::uint32_t index, LockMode mode, std::uint32_t flags,
                                        const ValueBlock& value) {
    auto& lock = store.locks[index];
    ConvertMessage message;
    message.lock = store.id_of(index);
    message.mode = mode;
    message.flags = lock.flags;
    if (value_effect(lock.granted, mode) == ValueEffect::kWrite &&
        (flags & (flag::VALBLK | flag::IVVALBLK)) != 0) {
        // Nobody else can have written since this lock was granted.
        auto& copy = store.value_of(lock);
        copy.invalid = (flags & flag::IVVALBLK) != 0;
        if (!copy.invalid) {
            copy.block = value;
            copy.seq = copy.seen + 1;
            message.value = value;
        }
        ++copy.seen;
    }
    ++lock.op;
    lock.granted = mode;
    lock.requested = mode;
    lock.since = ms();
    route(store.tree_of(lock), message);
    finish(index, LockStatus::kGranted);
}

void LockManager::Impl::dequeue(std::uint32_t index, std::uint32_t flags, const ValueBlock* value) {
    auto& lock = store.locks[index];
    auto& tree = store.tree_of(lock);
    if (tree.state == TreeState::kLocal) {
        if (lock.queue == Queue::kNone) {  // held: the engine has not seen it
            destroy(index);
        } else {
            count_use(tree, kSelf);
            remove_lock(index, flags, value);
        }
        return;
    }
    if (!lock.has_granted && lock.pending == Pending::kSent && tree.state == TreeState::kLookup) {
        // Kept until the answer comes, which tells the tree's master.
        unlist(index);
        --clients[lock.client].locks;
        if (lock.parent != 0) {
            --store.locks[lock.parent].sublocks;
            lock.parent = 0;
        }
        lock.client = 0;
        lock.owner_id = store.id_of(index).value();
        lock.abandoned = true;
        return;
    }
    const bool heard_of = lock.has_granted || lock.pending != Pending::kHeld;
    if (heard_of) {
        DequeueMessage message;
        message.lock = store.id_of(index);
        message.flags = flags;
        if (value != nullptr) {
            message.value = *value;
        }
        route(tree, message);
    }
    destroy(index);
}

void LockManager::Impl::cancel(std::uint32_t index, bool timed_out) {
    auto& lock = store.locks[index];
    auto& tree = store.tree_of(lock);
    lock.timed_out = lock.timed_out || timed_out;
    const auto status = cancelled_as(lock);
    // Of one between CW and PR the master may know more than this node.
    const bool uncertain = lock.has_granted && middle_conversion(lock.granted, lock.requested) &&
                           tree.state != TreeState::kLocal;
    if (lock.pending == Pending::kHeld && !uncertain) {
        finish(index, status);
    } else if (tree.state == TreeState::kLocal && lock.pending == Pending::kQueued) {
        if (undecided(index)) {
            lock.cancelling = true;
            hold_cancel(kSelf, {store.id_of(index), lock.op, status});
        } else if (engine.cancel(index)) {
            finish(index, status);
            carry_out_effects();
        }
    } else if (!lock.cancelling) {
        lock.cancelling = true;
        if (tree.state == TreeState::kRemote) {
            send(tree.master, CancelMessage{store.id_of(index), lock.op});
        }
    }
}

// ---- how it ends

// Without change of what is held: refused, cancelled, or nothing was to be done.
void LockManager::Impl::finish(std::uint32_t index, LockStatus status,
                               std::vector<CycleEntry> cycle) {
    auto& lock = store.locks[index];
    if (std::exchange(lock.pending, Pending::kNone) != Pending::kNone && lock.has_granted) {
        move_to_front(index);
    }
    lock.requested = lock.granted;
    if (clients[lock.client].open) {
        reply(ClientId(lock.client), RequestId(lock.request), status, store.id_of(index));
        auto& completion = std::get<Completion>(out->back());
        completion.mode = lock.granted;
        completion.token = Token(lock.token);
        completion.cycle = std::move(cycle);
    }
    if (!lock.has_granted) {
        destroy(index);
    }
}

void LockManager::Impl::granted_here(std::uint32_t index) {
    auto& lock = store.locks[index];
    if (std::exchange(lock.pending, Pending::kNone) != Pending::kNone) {
        move_to_front(index);
    }
    lock.requested = lock.granted;
    lock.since = ms();
    if (!clients[lock.client].open) {
        return;
    }
    auto& completion = std::get<Completion>(out->emplace_back(Completion{}));
    completion.client = ClientId(lock.client);
    completion.request = RequestId(lock.request);
    completion.lock = store.id_of(index);
    completion.mode = lock.granted;
    completion.token = Token(lock.token);
    completion.demoted = lock.demoted;
    completion.alternative = lock.altered;
    if (lock.read_value) {
        completion.has_value = true;
        completion.value = store.values[lock.value].block;
        completion.value_valid = !lock.read_invalid;
    }
}

// Those that wait stand at the end of their client's list.
void LockManager::Impl::move_to_end(std::uint32_t index) {
    unlist(index);
    list_at_end(index);
}

void LockManager::Impl::move_to_front(std::uint32_t index) {
    unlist(index);
    list_at_front(index);
}

void LockManager::Impl::list_at_front(std::uint32_t index) {
    auto& lock = store.locks[index];
    auto& owner = clients[lock.client];
    lock.owner_next = owner.first;
    (owner.first != 0 ? store.locks[owner.first].owner_prev : owner.last) = index;
    owner.first = index;
}

void LockManager::Impl::list_at_end(std::uint32_t index) {
    auto& lock = store.locks[index];
    const bool here = lock.party == kSelf;
    auto& first = here ? clients[lock.client].first : parties[lock.party].first;
    auto& last = here ? clients[lock.client].last : parties[lock.party].last;
    lock.owner_prev = last;
    (last != 0 ? store.locks[last].owner_next : first) = index;
    last = index;
}

// Off its client's or its node's list, if it is on one.
void LockManager::Impl::unlist(std::uint32_t index) {
    auto& lock = store.locks[index];
    const bool here = lock.party == kSelf;
    auto& first = here ? clients[lock.client].first : parties[lock.party].first;
    auto& last = here ? clients[lock.client].last : parties[lock.party].last;
    if (lock.owner_prev != 0) {
        store.locks[lock.owner_prev].owner_next = lock.owner_next;
    } else if (first == index) {
        first = lock.owner_next;
    }
    if (lock.owner_next != 0) {
        store.locks[lock.owner_next].owner_prev = lock.owner_prev;
    } else if (last == index) {
        last = lock.owner_prev;
    }
    lock.owner_next = lock.owner_prev = 0;
}

// The record goes, off every list. The engine knows already.
void LockManager::Impl::destroy(std::uint32_t index) {
    auto& lock = store.locks[index];
    const auto resource = lock.resource;
    store.unlink(index);
    unlist(index);
    if (lock.party == kSelf) {
        if (!lock.abandoned) {
            --clients[lock.client].locks;
        }
        if (lock.parent != 0) {
            --store.locks[lock.parent].sublocks;
        }
    }
    if (lock.party != kSelf || lock.abandoned) {
        store.forget_remote(index);
    }
    store.erase_lock(index);
    reap(resource);
}

void LockManager::Impl::reap(std::uint32_t index) {
    while (index != 0 && store.resources[index].unused()) {
        auto& resource = store.resources[index];
        auto& tree = store.trees[resource.tree];
        if (resource.parent == 0) {
            if (tree.locks != 0 || moving(tree) || (tree.more && !tree.more->held.empty())) {
                return;
            }
            make_idle(resource.tree);
            return;
        }
        const auto parent = resource.parent;
        store.erase(index);
        index = parent;
    }
}

// ---- the master's answers

// While a tree is rebuilt, of what this node told of it, answers of masters before come too late.
bool LockManager::Impl::answers(const Lock& lock, std::uint32_t op) const {
    return lock.op == op && lock.pending != Pending::kNone && lock.pending != Pending::kHeld &&
           store.trees[store.resources[lock.resource].tree].state != TreeState::kRebuild;
}

// The first answer to a request that went to the directory tells who the master is. A later one may
// come from the master that the tree has left since.
// `stands`: the lock stands there at the time of the answer; then the tree leaves only when this
// node has stopped for it, and knows.
void LockManager::Impl::learn_master(std::uint32_t lock, std::uint32_t from, bool stands) {
    const auto index = store.resources[store.locks[lock].resource].tree;
    auto& tree = store.trees[index];
    const bool believed = tree.certain;
    const bool has_left = tree.more && tree.more->left == from;
    if (tree.state == TreeState::kLookup) {
        tree.certain = true;
        settle(index, from);
    } else if (tree.state == TreeState::kRemote &&
               (!believed || (stands && !has_left && !mutated("believe_old_master")))) {
        // The one remembered was the directory too, and forwarded; or had nothing of this node's
        // any more when the tree moved, and its last answers are still on the way.
        tree.certain = true;
        tree.mastered_by(from);
    }
}

void LockManager::Impl::handle(std::uint32_t from, QueuedMessage& m) {
    const auto index = store.index_of(m.lock);
    if (index == 0) {
        send(from, DequeueMessage{m.lock, flag::FORCEUNLOCK, std::nullopt});
        return;
    }
    auto& lock = store.locks[index];
    if (!answers(lock, m.op) || lock.pending != Pending::kSent) {
        return;
    }
    lock.pending = Pending::kQueued;
    lock.order = m.order;
    if (lock.has_granted) {
        lock.granted = m.granted;
    }
    learn_master(index, from, /*stands=*/true);
    if (lock.abandoned) {
        send(from, DequeueMessage{m.lock, flag::FORCEUNLOCK, std::nullopt});
        destroy(index);
        return;
    }
    wait_for(index, WaitCause::kHolder);
    lock.cancelling = lock.cancelling || (lock.flags & flag::NOQUEUE) != 0;
    if (lock.cancelling) {
        send(from, CancelMessage{m.lock, m.op});
    }
}

void LockManager::Impl::handle(std::uint32_t from, GrantedMessage& m) {
    const auto index = store.index_of(m.lock);
    if (index == 0 || store.locks[index].abandoned) {
        send(from, DequeueMessage{m.lock, flag::FORCEUNLOCK, std::nullopt});
        if (index != 0) {
            learn_master(index, from, /*stands=*/true);
            destroy(index);
        }
        return;
    }
    auto& lock = store.locks[index];
    if (!answers(lock, m.op)) {
        return;
    }
    lock.granted = m.mode;
    lock.has_granted = true;
    lock.token = m.token;
    lock.order = m.order;
    lock.demoted = (m.bits & GrantedMessage::kDemoted) != 0;
    lock.altered = (m.bits & GrantedMessage::kAltered) != 0;
    lock.read_value = m.value.has_value();
    lock.read_invalid = (m.bits & GrantedMessage::kInvalid) != 0;
    if (m.value) {
        auto& copy = store.value_of(lock);
        copy.block = *m.value;
        copy.seq = m.seq;
    }
    if (lock.value != 0) {
        auto& copy = store.values[lock.value];
        // What it wrote with this conversion is the resource's now.
        copy.seq = m.value ? copy.seq : m.seq;
        copy.seen = m.seen;
        copy.invalid = lock.read_invalid;
    }
    granted_here(index);
    learn_master(index, from, /*stands=*/true);
}

// Two conversions of one resource.
std::vector<CycleEntry> LockManager::Impl::cycle_with(std::uint32_t index,
                                                      const RefusedMessage::Opponent& other) const {
    const auto& lock = store.locks[index];
    const auto resource =
        printable_key(store.root_key_of(store.trees[store.resources[lock.resource].tree]));
    return {{self(), lock.pid, lock.xid, store.id_of(index), lock.requested, resource, other.lock},
            {other.node, other.pid, other.xid, other.lock, other.requested, resource,
             store.id_of(index)}};
}

void LockManager::Impl::handle(std::uint32_t from, RefusedMessage& m) {
    const auto index = store.index_of(m.lock);
    if (index == 0) {
        return;
    }
    auto& lock = store.locks[index];
    if (!answers(lock, m.op)) {
        return;
    }
    learn_master(index, from, lock.has_granted);
    const auto status = m.status == LockStatus::kCancelled ? cancelled_as(lock) : m.status;
    std::vector<CycleEntry> cycle;
    if (auto verdict = verdicts.extract(m.lock); status == LockStatus::kDeadlock && verdict) {
        cycle = std::move(verdict.mapped().cycle);
        ++deadlocks;
    } else if (!m.opponents.empty()) {
        cycle = cycle_with(index, m.opponents.front());
    }
    finish(index, status, std::move(cycle));
}

void LockManager::Impl::handle(std::uint32_t, BlockingMessage& m) {
    if (const auto index = store.index_of(m.lock); index != 0) {
        tell_blocked(index, m.mode, m.node, m.pid);
    }
}

// Not if the lock does not stand in the way any more.
void LockManager::Impl::tell_blocked(std::uint32_t index, LockMode mode, NodeId node,
                                     std::uint32_t pid) {
    const auto& lock = store.locks[index];
    if (!clients[lock.client].open || !lock.has_granted || compatible(mode, lock.granted)) {
        return;
    }
    out->push_back(BlockingEvent{ClientId(lock.client), store.id_of(index), mode, node, pid});
}

void LockManager::Impl::handle(std::uint32_t from, BounceMessage& m) {
    const auto index = store.index_of(m.lock);
    if (index == 0 || store.locks[index].op != m.op ||
        store.locks[index].pending != Pending::kSent) {
        return;
    }
    const auto tree_index = store.resources[store.locks[index].resource].tree;
    auto& tree = store.trees[tree_index];
    const bool remembered = tree.state == TreeState::kRemote && tree.master == from;
    const bool asked = tree.state == TreeState::kLookup && tree.more->asked == m.lock;
    if (remembered || asked) {
        tree.state = TreeState::kUnknown;
        tree.master = 0;
        ++tree.locks;
        if (store.locks[index].abandoned) {
            destroy(index);
        } else {
            dispatch(index);
        }
        // What else was sent there may not come back any more.
        const bool here = store.trees[tree_index].state == TreeState::kLocal;
        if (here && !mutated("wait_for_bounces")) {
            restart(tree_index);
        }
        --store.trees[tree_index].locks;
        flush_held(tree_index);
    } else if (!store.locks[index].abandoned) {
        dispatch(index);
    }
}

// ---- a tree's master is known

void LockManager::Impl::settle(std::uint32_t tree_index, std::uint32_t master) {
    auto& tree = store.trees[tree_index];
    tree.mastered_by(master);
    tree.state = master == kSelf ? TreeState::kLocal : TreeState::kRemote;
    if (tree.more && master != kSelf) {
        tree.more->move = 0;
    }
    flush_held(tree_index);
}

void LockManager::Impl::flush_held(std::uint32_t tree_index) {
    auto& tree = store.trees[tree_index];
    if (!tree.more || tree.more->held.empty()) {
        reap(tree.root);
        return;
    }
    const auto held = std::exchange(tree.more->held, {});
    ++tree.locks;  // it stays, whatever ends now
    for (auto message : held) {
        LockId id;
        std::uint32_t op = 0;
        NodeId origin = self();
        if (const auto* enqueue = std::get_if<EnqueueMessage>(&message)) {
            id = enqueue->lock;
            op = enqueue->op;
            origin = enqueue->origin;
        } else if (const auto* convert = std::get_if<ConvertMessage>(&message)) {
            id = convert->lock;
            op = convert->op;
        }
        if (origin != self()) {
            // Another node's request that came while the tree was on its way.
            const auto party = party_of(origin);
            if (party != 0 && tree.state == TreeState::kLocal) {
                handle_any(party, message);
            } else if (party != 0) {
                send(tree.master, message);
            }
        } else if (op == 0) {
            route(tree, std::move(message));
        } else if (const auto index = store.index_of(id);
                   index != 0 && store.locks[index].op == op &&
                   store.locks[index].pending == Pending::kHeld) {
            dispatch(index);
        }
    }
    --tree.locks;
    reap(tree.root);
}

}  // namespace quorate::lockmgr
