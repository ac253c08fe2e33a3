#include <tuple>

#include "manager.hpp"

// A tree comes to life here, from what others remember of it or from its last master.
namespace quorate::lockmgr {

std::uint32_t LockManager::Impl::resource_at(std::uint32_t root,
                                             const std::vector<std::string>& path) {
    for (const auto& name : path) {
        root = store.find_or_create(root, name);
    }
    return root;
}

// The queues are rebuilt from nothing; this node's records stay.
void LockManager::Impl::prepare_install(std::uint32_t tree) {
    hold_sent(tree);
    for (auto at = store.first_of(store.trees[tree]); at != 0; at = store.after(at)) {
        auto& resource = store.resources[at];
        while (resource.queue(Queue::kGranted).head != 0) {
            store.unlink(resource.queue(Queue::kGranted).head);
        }
        resource.held = {};
        resource.notified = LockMode::NL;
    }
}

std::uint32_t LockManager::Impl::install_lock(std::uint32_t resource, const LockImage& image,
                                              std::uint32_t party) {
    std::uint32_t index = 0;
    bool waits_here = false;
    if (party == kSelf) {
        index = store.index_of(image.lock);
        index = index != 0 && store.locks[index].resource == resource ? index : 0;
        waits_here = index != 0 && (store.locks[index].pending == Pending::kSent ||
                                    store.locks[index].pending == Pending::kHeld);
    }
    if (index == 0) {
        index = store.create_lock(resource);
        auto& fresh = store.locks[index];
        fresh.owner_id = image.lock.value();
        fresh.party = static_cast<std::uint16_t>(party);
        fresh.abandoned = party == kSelf;  // its release is under way
        if (party != kSelf) {
            list_at_end(index);
        }
        store.index_remote(index);
    }
    auto& lock = store.locks[index];
    const auto queue = static_cast<Queue>(image.queue);
    lock.granted = image.granted;
    lock.has_granted = queue != Queue::kWaiting;
    lock.highbast = image.highbast;
    lock.order = image.order;
    lock.token = image.token;
    lock.queue = Queue::kNone;
    if (!waits_here) {
        lock.requested = image.requested;
        lock.flags = image.flags;
        lock.op = image.op;
        if (party != kSelf || lock.client == 0) {  // else the owner knows best: it may be adopted
            lock.pid = image.pid;
            lock.xid = image.xid;
            lock.priority = image.priority;
            lock.since = ms();
        }
        if (party == kSelf && queue != Queue::kGranted) {
            lock.pending = Pending::kQueued;
        }
    }
    if (image.value && !waits_here) {
        store.value_of(lock) = Value{*image.value, image.seq, image.seen, image.invalid};
    }
    return index;
}

// In the order in which their master had them.
void LockManager::Impl::restore_sorted(std::vector<std::uint32_t>& installed) {
    const auto place = [&](const std::pair<std::uint32_t, std::uint8_t>& one) {
        return std::tuple(store.locks[one.first].resource, one.second,
                          mutated("lose_order") ? -static_cast<std::int64_t>(one.first)
                                                : store.locks[one.first].order,
                          one.first);
    };
    std::vector<std::pair<std::uint32_t, std::uint8_t>> all;
    for (const auto index : installed) {
        const auto& lock = store.locks[index];
        const bool waits = lock.op_queued;
        all.emplace_back(index, static_cast<std::uint8_t>(!lock.has_granted ? Queue::kWaiting
                                                          : waits           ? Queue::kConverting
                                                                            : Queue::kGranted));
    }
    std::ranges::sort(all, {}, place);
    for (const auto& [index, queue] : all) {
        engine.restore(index, static_cast<Queue>(queue));
    }
}

std::uint32_t LockManager::Impl::install(std::string_view root, std::span<const PartImage> parts) {
    const auto resource = store.find_or_create(0, root);
    const auto index = store.resources[resource].tree;
    if (store.trees[index].idle) {
        end_idle(index);
    }
    prepare_install(index);
    become_master(index, 0, self().value());
    auto& tree = store.trees[index];
    tree.haunt = pending_haunts.empty() ? 0 : haunts;
    std::vector<std::uint32_t> installed;
    for (const auto& part : parts) {
        for (const auto& image : part.tree.resources) {
            const auto at = resource_at(resource, image.path);
            for (const auto& lock : image.locks) {
                if (store.find_remote(part.party, lock.lock.value()) == 0 &&
                    lock.node == node_of(part.party)) {
                    installed.push_back(install_lock(at, lock, part.party));
                    store.locks[installed.back()].op_queued = lock.queue == 2;
                }
            }
        }
    }
    restore_sorted(installed);
    if (!mutated("doubt_nothing")) {
        settle_middle_conversions(index, installed);
        settle_demotions(installed);
    }
    choose_values(index);
    reap_empty(tree);
    return index;
}

// Of a conversion between CW and PR, sent or queued, the last answer may be lost with the master:
// its owner cannot know whether it was granted, be it in the alternative mode. If the old mode
// cannot stand beside what others hold, it was. Those held for certain count first.
void LockManager::Impl::settle_middle_conversions(std::uint32_t tree_index,
                                                  const std::vector<std::uint32_t>& installed) {
    std::vector<std::uint32_t> open;
    for (const auto index : installed) {
        const auto& lock = store.locks[index];
        if (Engine::middle_of(lock) != lock.granted) {
            open.push_back(index);
        }
    }
    // Of two that exclude each other, what was granted later stands.
    std::ranges::stable_sort(open, {},
                             [&](std::uint32_t index) { return store.locks[index].token; });
    auto& tree = store.trees[tree_index];
    for (const bool certain : {true, false}) {
        std::vector<std::uint32_t> left;
        for (const auto index : open) {
            auto& lock = store.locks[index];
            const auto mode = Engine::middle_of(lock);
            auto& held = store.resources[lock.resource].held;
            const auto doubtful = std::ranges::count_if(open, [&](std::uint32_t other) {
                return store.locks[other].resource == lock.resource &&
                       store.locks[other].granted == mode && other != index;
            });
            const auto others = static_cast<std::ptrdiff_t>(held[index_of(mode)]);
            if (others <= (certain ? doubtful : 0)) {
                left.push_back(index);
                continue;
            }
            --held[index_of(lock.granted)];
            ++held[index_of(mode)];
            lock.granted = mode;
            lock.token = engine.next_token(tree);
        }
        open = std::move(left);
    }
}

// Nor of one with CONVDEADLK, whether it was demoted: if its mode cannot stand beside what others
// hold, it was.
void LockManager::Impl::settle_demotions(const std::vector<std::uint32_t>& installed) {
    for (const auto index : installed) {
        auto& lock = store.locks[index];
        const bool open = lock.queue == Queue::kGranted && (lock.flags & flag::CONVDEADLK) != 0 &&
                          lock.requested != lock.granted;
        if (!open || engine.stands(index)) {
            continue;
        }
        auto& held = store.resources[lock.resource].held;
        --held[index_of(lock.granted)];
        ++held[index_of(LockMode::NL)];
        lock.granted = LockMode::NL;
        lock.demoted = true;
    }
}

// A lock above CR was granted with the last value there is, since nobody can have written while it
// was held. Otherwise a lost writer may have been the last: the newest one known, and not valid.
void LockManager::Impl::choose_values(std::uint32_t tree) {
    for (auto at = store.first_of(store.trees[tree]); at != 0; at = store.after(at)) {
        choose_value(at);
    }
}

void LockManager::Impl::choose_value(std::uint32_t index) {
    auto& resource = store.resources[index];
    Value best;
    std::uint64_t newest = 0;
    bool current = false;
    std::vector<std::uint32_t> sure;  // values of locks
    for (const auto which : {Queue::kGranted, Queue::kConverting}) {
        for (auto lock = resource.queue(which).head; lock != 0; lock = store.locks[lock].next) {
            const auto& one = store.locks[lock];
            if (one.value == 0) {
                continue;
            }
            const auto& value = store.values[one.value];
            newest = std::max({newest, value.seen, value.seq});
            if (one.granted > LockMode::CR && value.seq == value.seen) {
                sure.push_back(one.value);
                best = current ? best : value;
                current = true;
            } else if (!current && value.seq >= best.seq) {
                best = value;
            }
        }
    }
    // Nobody remembers another content by this number: a writer may have counted from too low.
    best.seq = mutated("repeat_number") && current ? best.seq : newest + 1;
    if (!current) {
        best.invalid = !mutated("trust_old_value");
    }
    for (const auto value : sure) {
        store.values[value].seq = store.values[value].seen = best.seq;
    }
    store.value_of(resource) = best;
}

}  // namespace quorate::lockmgr
