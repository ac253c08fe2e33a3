#include "manager.hpp"

// What cannot be sent or served now waits with its tree, in order, until the tree has a master.
namespace quorate::lockmgr {

void LockManager::Impl::hold(std::uint32_t index, WaitCause cause) {
    auto& lock = store.locks[index];
    const bool known = lock.pending != Pending::kNone;
    lock.pending = Pending::kHeld;
    more(store.tree_of(lock)).held.push_back(operation_of(index));
    if (!known) {
        wait_for(index, cause);
    }
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

// What was sent to the tree's master, or on the way to it, and not answered.
std::vector<std::uint32_t> LockManager::Impl::sent_of(const Tree& tree) const {
    std::vector<std::uint32_t> sent;
    for (auto resource = store.first_of(tree); resource != 0; resource = store.after(resource)) {
        for (auto at = store.resources[resource].queue(Queue::kGranted).head; at != 0;
             at = store.locks[at].next) {
            if (store.locks[at].pending == Pending::kSent) {
                sent.push_back(at);
            }
        }
    }
    return sent;
}

// What was sent and not answered comes before what was held.
void LockManager::Impl::hold_sent(std::uint32_t tree_index) {
    auto& tree = store.trees[tree_index];
    auto sent = sent_of(tree);
    if (sent.empty()) {
        return;
    }
    std::ranges::sort(sent, {},
                      [&](std::uint32_t lock) { return std::pair(store.locks[lock].since, lock); });
    auto later = std::exchange(more(tree).held, {});
    ++tree.locks;  // it stays meanwhile
    for (const auto at : sent) {
        if (store.locks[at].abandoned) {
            destroy(at);
        } else {
            hold(at, WaitCause::kDirectory);
        }
    }
    --tree.locks;
    std::ranges::move(later, std::back_inserter(tree.more->held));
}

// What was sent without an answer, then what was held, goes its way anew; cancels are repeated.
void LockManager::Impl::restart(std::uint32_t tree_index) {
    if (store.trees[tree_index].state == TreeState::kLookup) {
        return;  // begun already
    }
    hold_sent(tree_index);
    auto& tree = store.trees[tree_index];
    std::vector<std::uint32_t> cancelling;
    for (auto resource = store.first_of(tree); resource != 0; resource = store.after(resource)) {
        for (const auto which : {Queue::kGranted, Queue::kConverting, Queue::kWaiting}) {
            for (auto at = store.resources[resource].queue(which).head; at != 0;
                 at = store.locks[at].next) {
                const auto& lock = store.locks[at];
                if (lock.party == kSelf && lock.cancelling && lock.pending == Pending::kQueued) {
                    cancelling.push_back(at);
                }
            }
        }
    }
    ++tree.locks;
    for (const auto lock : cancelling) {
        store.locks[lock].cancelling = false;
        cancel(lock, store.locks[lock].timed_out);
    }
    --tree.locks;
    flush_held(tree_index);
}

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
