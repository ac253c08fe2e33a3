#include "store.hpp"

#include <utility>

#include "base/text.hpp"
#include "tree_state.hpp"

namespace quorate::lockmgr {

std::string root_key(std::string_view domain, std::string_view name) {
    std::string key(1, static_cast<char>(domain.size()));
    key += domain;
    key += name;
    return key;
}

std::string_view domain_of(std::string_view key) {
    return key.substr(1, static_cast<unsigned char>(key.front()));
}

std::string_view name_in(std::string_view key) {
    return key.substr(1 + static_cast<std::size_t>(static_cast<unsigned char>(key.front())));
}

bool valid_root_key(std::string_view key) {
    if (key.empty()) {
        return false;
    }
    const std::size_t domain = static_cast<unsigned char>(key.front());
    return domain <= kMaxDomain && key.size() >= 1 + domain && key.size() <= 1 + domain + kMaxName;
}

std::string printable_key(std::string_view key) {
    return printable(domain_of(key)) + "/" + printable(name_in(key));
}

void Tree::reset() { *this = Tree{}; }

std::uint32_t Store::find(std::uint32_t parent, std::string_view name) const {
    return names_.find(hash_child(parent, name), [&](std::uint32_t index) {
        return resources[index].parent == parent && resources[index].name.view() == name;
    });
}

std::uint32_t Store::find_or_create(std::uint32_t parent, std::string_view name) {
    if (const auto found = find(parent, name); found != 0) {
        return found;
    }
    const auto index = resources.acquire();
    auto& resource = resources[index];
    const auto hash = hash_child(parent, name);
    resource.name.assign(name);
    resource.hash = static_cast<std::uint32_t>(hash);
    resource.parent = parent;
    if (parent == 0) {
        resource.tree = trees.acquire();
        trees[resource.tree].root = index;
        const auto domain = domain_of(name);
        const auto known = roots_.find(domain);
        ++(known != roots_.end() ? known->second : roots_[std::string(domain)]);
    } else {
        resource.tree = resources[parent].tree;
        resource.depth = static_cast<std::uint8_t>(resources[parent].depth + 1);
        ++resources[parent].children;
    }
    auto& tree = trees[resource.tree];
    if (tree.root == index) {
        resource.next = resource.prev = index;
    } else {
        resource.prev = tree.root;
        resource.next = std::exchange(resources[tree.root].next, index);
        resources[resource.next].prev = index;
    }
    names_.insert(hash, index);
    return index;
}

void Store::erase(std::uint32_t index) {
    auto& resource = resources[index];
    names_.erase(resource.hash, index);
    resources[resource.prev].next = resource.next;
    resources[resource.next].prev = resource.prev;
    if (resource.value != 0) {
        values.release(resource.value);
    }
    if (resource.parent != 0) {
        --resources[resource.parent].children;
    } else {
        trees.release(resource.tree);
        const auto domain = roots_.find(domain_of(resource.name.view()));
        if (--domain->second == 0) {
            emptied.push_back(domain->first);
            roots_.erase(domain);
        }
    }
    resources.release(index);
}

std::uint32_t Store::create_lock(std::uint32_t resource) {
    const auto index = locks.acquire();
    locks[index].resource = resource;
    ++resources[resource].locks;
    ++trees[resources[resource].tree].locks;
    return index;
}

void Store::erase_lock(std::uint32_t index) {
    auto& lock = locks[index];
    --resources[lock.resource].locks;
    --tree_of(lock).locks;
    if (lock.value != 0) {
        values.release(lock.value);
    }
    locks.release(index);
}

std::uint32_t Store::find_remote(std::uint32_t party, std::uint64_t owner_id) const {
    return remote_.find(hash_remote(party, owner_id), [&](std::uint32_t index) {
        const auto& lock = locks[index];
        return lock.party == party && !lock.named_by_index() && lock.owner_id == owner_id;
    });
}

void Store::index_remote(std::uint32_t lock) {
    remote_.insert(hash_remote(locks[lock].party, locks[lock].owner_id), lock);
}

void Store::forget_remote(std::uint32_t lock) {
    remote_.erase(hash_remote(locks[lock].party, locks[lock].owner_id), lock);
}

void Store::enters(Lock& lock, Queue which) {
    lock.queue = which;
    if (which != Queue::kGranted) {
        if (waiting_.size() <= lock.party) {
            waiting_.resize(lock.party + 1U);
        }
        ++waiting_[lock.party];
    }
}

void Store::push_back(std::uint32_t index, Queue which) {
    auto& lock = locks[index];
    auto& head = resources[lock.resource].queue(which).head;
    enters(lock, which);
    lock.next = 0;
    if (head == 0) {
        head = index;
        lock.prev = index;
    } else {
        lock.prev = std::exchange(locks[head].prev, index);
        locks[lock.prev].next = index;
    }
}

void Store::push_front(std::uint32_t index, Queue which) {
    auto& lock = locks[index];
    auto& head = resources[lock.resource].queue(which).head;
    enters(lock, which);
    lock.next = head;
    lock.prev = head == 0 ? index : std::exchange(locks[head].prev, index);
    head = index;
}

void Store::unlink(std::uint32_t index) {
    auto& lock = locks[index];
    if (lock.queue == Queue::kNone) {
        return;
    }
    if (lock.queue != Queue::kGranted) {
        --waiting_[lock.party];
    }
    auto& head = resources[lock.resource].queue(lock.queue).head;
    if (head == index) {
        head = lock.next;
    } else {
        locks[lock.prev].next = lock.next;
    }
    if (const auto after = lock.next != 0 ? lock.next : head; after != 0) {
        locks[after].prev = lock.prev;
    }
    lock.queue = Queue::kNone;
    lock.next = lock.prev = 0;
}

}  // namespace quorate::lockmgr
