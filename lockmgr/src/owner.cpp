#include "manager.hpp"

// The way of an operation of a client here: to the engine, to the master, or to wait for one of
// them. Which answers it gets: outcome.cpp.
namespace quorate::lockmgr {

void LockManager::Impl::begin_operation(std::uint32_t index, RequestId request,
                                        const std::optional<MonoTime>& due) {
    auto& lock = store.locks[index];
    lock.request = request.value();
    lock.since = ms();
    const auto op = ++lock.op;
    lock.cancelling = lock.timed_out = lock.overtaken = false;
    const auto id = store.id_of(index);
    if (admitted(index)) {
        dispatch(index);
    }
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
    auto message = operation_of(index);
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
    send(store.tree_of(store.locks[index]).master, operation_of(index));
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
        const bool had_copy = lock.value != 0;
        auto& copy = store.value_of(lock);
        const bool known = (flags & flag::SHORTBLK) == 0 || (had_copy && copy.seq == copy.seen);
        copy.invalid = (flags & flag::IVVALBLK) != 0;
        if (!copy.invalid) {
            copy.write(value, flags);
            // Of a half the copy is not the resource's block unless the rest was.
            copy.seq = known ? copy.seen + 1 : copy.seq;
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
    // The master may know more than this node.
    const bool uncertain = Engine::may_have_lost_mode(lock) && tree.state != TreeState::kLocal;
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

// ---- as a message

Message LockManager::Impl::operation_of(std::uint32_t index) const {
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
    message.origin = self();
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

}  // namespace quorate::lockmgr
