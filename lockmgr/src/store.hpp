#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model.hpp"
#include "pool.hpp"
#include "table.hpp"

namespace quorate::lockmgr {

// A root's identity: the domain's length, its name, and the resource's.
std::string root_key(std::string_view domain, std::string_view name);
std::string_view domain_of(std::string_view key);
std::string_view name_in(std::string_view key);
bool valid_root_key(std::string_view key);
// "domain/name", printable.
std::string printable_key(std::string_view key);

// Locks, resources, trees and value blocks, and the ways to find them.
class Store {
public:
    Pool<Lock> locks;
    Pool<Resource> resources;
    Pool<Tree> trees;
    Pool<Value> values;

    // ---- resources

    static std::uint64_t hash_child(std::uint32_t parent, std::string_view name) {
        return hash_of(name, parent);
    }
    // `parent` 0: a root, by its key. 0 if there is none.
    std::uint32_t find(std::uint32_t parent, std::string_view name) const;
    std::uint32_t find_or_create(std::uint32_t parent, std::string_view name);
    // A root is looked for soon (Table::prefetch).
    void prefetch_root(std::uint64_t hash) const { names_.prefetch(hash); }
    // An unused resource; its tree too when it is the root.
    void erase(std::uint32_t resource);

    // Those of a tree, the newest first, its root last.
    std::uint32_t first_of(const Tree& tree) const { return resources[tree.root].next; }
    std::uint32_t after(std::uint32_t resource) const {
        return resources[resource].parent != 0 ? resources[resource].next : 0;
    }

    // ---- locks

    LockId id_of(std::uint32_t lock) const {
        return LockId((static_cast<std::uint64_t>(locks[lock].generation) << 32) | lock);
    }
    // 0 if the lock is no more.
    std::uint32_t index_of(LockId id) const {
        const auto index = static_cast<std::uint32_t>(id.value());
        return index != 0 && index < locks.end() && locks[index].resource != 0 && id_of(index) == id
                   ? index
                   : 0;
    }
    // What its owner's node calls it.
    LockId owner_id_of(std::uint32_t lock) const {
        return locks[lock].named_by_index() ? id_of(lock) : LockId(locks[lock].owner_id);
    }
    std::uint32_t create_lock(std::uint32_t resource);
    // Not on any queue.
    void erase_lock(std::uint32_t lock);

    // ---- other nodes' locks

    std::uint32_t find_remote(std::uint32_t party, std::uint64_t owner_id) const;
    void prefetch_remote(std::uint32_t party, std::uint64_t owner_id) const {
        remote_.prefetch(hash_remote(party, owner_id));
    }
    void index_remote(std::uint32_t lock);
    void forget_remote(std::uint32_t lock);

    // ---- queues

    void push_back(std::uint32_t lock, Queue which);
    void push_front(std::uint32_t lock, Queue which);
    // Off the queue it is on, if any.
    void unlink(std::uint32_t lock);
    // How many locks of a party stand on CONVERTING or WAITING.
    std::uint32_t waiting_of(std::uint32_t party) const {
        return party < waiting_.size() ? waiting_[party] : 0;
    }
    // 0 for the first one, or none.
    std::uint32_t before(const Lock& lock) const {
        return lock.prev != 0 && locks[lock.prev].next != 0 ? lock.prev : 0;
    }
    std::uint32_t last(const Resource& resource, Queue which) const {
        const auto head = resource.queue(which).head;
        return head != 0 ? locks[head].prev : 0;
    }

    // ---- domains

    std::uint32_t roots_in(std::string_view domain) const {
        const auto found = roots_.find(domain);
        return found == roots_.end() ? 0 : found->second;
    }
    std::vector<std::string> emptied;  // domains that had roots

    Value& value_of(Lock& lock) {
        if (lock.value == 0) {
            lock.value = values.acquire();
        }
        return values[lock.value];
    }
    Value& value_of(Resource& resource) {
        if (resource.value == 0) {
            resource.value = values.acquire();
        }
        return values[resource.value];
    }
    Tree& tree_of(const Lock& lock) { return trees[resources[lock.resource].tree]; }
    std::string_view root_key_of(const Tree& tree) const {
        return resources[tree.root].name.view();
    }

private:
    static std::uint64_t hash_remote(std::uint32_t party, std::uint64_t owner_id) {
        return mix(owner_id * 0x9e3779b97f4a7c15 + party);
    }

    void enters(Lock& lock, Queue which);

    Table names_;
    std::map<std::string, std::uint32_t, std::less<>> roots_;  // by domain
    Table remote_;
    std::vector<std::uint32_t> waiting_;  // by party
};

}  // namespace quorate::lockmgr
