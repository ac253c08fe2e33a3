#include "manager.hpp"

// How operations of clients here end, by the engine or by the master's answers.
namespace quorate::lockmgr {

// ---- what the client hears

// Refused, cancelled, or nothing was to be done. What is held is what was, unless the conversion
// was demoted.
void LockManager::Impl::finish(std::uint32_t index, LockStatus status,
                               std::vector<CycleEntry> cycle) {
    auto& lock = store.locks[index];
    if (std::exchange(lock.pending, Pending::kNone) != Pending::kNone && lock.has_granted) {
        move_to_front(index);
    }
    lock.requested = lock.granted;
    const bool demoted = lock.demoted;
    lock.demoted = false;
    if (clients[lock.client].open) {
        reply(ClientId(lock.client), RequestId(lock.request), status, store.id_of(index));
        auto& completion = std::get<Completion>(out->back());
        completion.mode = lock.granted;
        completion.demoted = demoted;
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
    const bool demoted = lock.demoted;
    lock.demoted = false;
    if (!clients[lock.client].open) {
        return;
    }
    auto& completion = std::get<Completion>(out->emplace_back(Completion{}));
    completion.client = ClientId(lock.client);
    completion.request = RequestId(lock.request);
    completion.lock = store.id_of(index);
    completion.mode = lock.granted;
    completion.token = Token(lock.token);
    completion.demoted = demoted;
    completion.alternative = lock.altered;
    if (lock.read_value) {
        completion.has_value = true;
        completion.value = store.values[lock.value].block;
        completion.value_valid = !lock.read_invalid;
    }
}

// ---- the master's answers

// While a tree is rebuilt, of what this node told of it, answers of masters before come too late.
bool LockManager::Impl::answers(const Lock& lock, std::uint32_t op) const {
    return lock.op == op && lock.pending != Pending::kNone && lock.pending != Pending::kHeld &&
           store.trees[store.resources[lock.resource].tree].state != TreeState::kRebuild;
}

// CONVDEADLK may have lowered it. What is granted in an alternative mode is not lowered.
void LockManager::Impl::take_mode(Lock& lock, LockMode held) {
    lock.demoted = lock.demoted || (lock.granted != held && held == LockMode::NL);
    lock.granted = held;
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
    const bool late = has_left && store.locks[lock].overtaken;  // it stands at the next one
    if (tree.state == TreeState::kLookup) {
        tree.certain = true;
        settle(index, from);
    } else if (tree.state == TreeState::kRemote &&
               ((!believed && !late) || (stands && !has_left && !mutated("believe_old_master")))) {
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
        take_mode(lock, m.granted);
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
    const bool altered = (m.bits & GrantedMessage::kAltered) != 0;
    if (lock.has_granted && m.mode != lock.requested && !altered) {
        // A master before refused it, or granted the alternative, and this one knows that it is
        // done with, not how: anew.
        take_mode(lock, m.mode);
        lock.token = m.token;
        learn_master(index, from, /*stands=*/true);
        ++lock.op;
        lock.overtaken = false;
        for (auto& timer : timers) {  // its deadline and its search are those of before
            timer.op += timer.lock == m.lock.value() && timer.op == m.op ? 1U : 0U;
        }
        dispatch(index);
        return;
    }
    lock.granted = m.mode;
    lock.has_granted = true;
    lock.token = m.token;
    lock.order = m.order;
    lock.demoted = lock.demoted || (m.bits & GrantedMessage::kDemoted) != 0;
    lock.altered = altered;
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
    if (lock.has_granted) {
        take_mode(lock, m.granted);
    }
    const auto status = m.status == LockStatus::kCancelled ? cancelled_as(lock) : m.status;
    std::vector<CycleEntry> cycle;
    auto verdict = verdicts.extract(m.lock);
    if (status == LockStatus::kDeadlock && verdict && verdict.mapped().op == m.op) {
        cycle = std::move(verdict.mapped().cycle);
        ++deadlocks;
    } else if (!m.opponents.empty()) {
        cycle = cycle_with(index, m.opponents.front());
    }
    finish(index, status, std::move(cycle));
}

void LockManager::Impl::handle(std::uint32_t from, BlockingMessage& m) {
    const auto index = store.index_of(m.lock);
    if (index == 0) {
        return;
    }
    tell_blocked(index, m.mode, m.node, m.pid);
    const auto& tree = store.tree_of(store.locks[index]);
    // Nothing in a queue stands in the way: it is granted, and the master before, which said so,
    // has been overtaken. Who waits is said again after the answer.
    if (store.locks[index].pending == Pending::kQueued && tree.state == TreeState::kRemote &&
        tree.master == from) {
        ask_again(index);
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

}  // namespace quorate::lockmgr
