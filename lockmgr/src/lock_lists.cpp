#include "manager.hpp"

// The lists of a client's locks, and of another node's; the end of a lock and of what it leaves
// unused.
namespace quorate::lockmgr {

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

// What was told of a tree names resources of which no lock came: its owner was lost, or has only
// begun to ask.
void LockManager::Impl::reap_empty(Tree& tree) {
    std::vector<std::uint32_t> empty;
    for (auto at = store.first_of(tree); at != 0; at = store.after(at)) {
        if (at != tree.root && store.resources[at].unused()) {
            empty.push_back(at);
        }
    }
    ++tree.locks;  // the root stays
    for (const auto at : empty) {
        reap(at);
    }
    --tree.locks;
}

}  // namespace quorate::lockmgr
