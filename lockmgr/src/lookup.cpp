#include "manager.hpp"

namespace quorate::lockmgr {

// ---- asking

void LockManager::Impl::look_up(std::uint32_t tree_index, std::uint32_t lock) {
    auto& tree = store.trees[tree_index];
    const auto root = store.root_key_of(tree);
    const auto directory = directory_of_root(root);
    if (directory == self()) {
        const bool there = !promised(root);
        if (const auto master = master_of(root); there && master != 0) {
            settle(tree_index, master);
            dispatch(lock);
        } else if (there && may_assign(root)) {
            become_master(tree_index, released_token, self().value());
            dispatch(lock);
        } else {
            tree.state = TreeState::kLookup;
            own_lookups.push_back(tree_index);
            hold(lock, cause_of(lock));
        }
        return;
    }
    tree.state = TreeState::kLookup;
    more(tree).asked = store.id_of(lock);
    tree.more->asked_in = epoch();
    tree.mastered_by(party_of(directory));  // who is asked, for send_operation
    send_operation(lock);
    tree.master = 0;
}

void LockManager::Impl::become_master(std::uint32_t tree_index, std::uint64_t token,
                                      std::uint32_t directory) {
    auto& tree = store.trees[tree_index];
    if (std::exchange(tree.state, TreeState::kLocal) != TreeState::kLocal) {
        ++mastered;
        if (tree.more) {
            tree.more->move = 0;  // of a master before
        }
    }
    if (const auto entry = entries.find(store.root_key_of(tree)); entry != entries.end()) {
        entries.erase(entry);
    }
    tree.master = kSelf;
    tree.token = std::max({tree.token, token, epoch() << 40});
    tree.directory = directory;
    tree.haunt = 0;
}

void LockManager::Impl::handle(std::uint32_t from, AssignMessage& m) {
    const auto resource = store.find(0, m.root);
    const bool valid = message_issued == epoch() && directory_of_root(m.root) == node_of(from);
    if (!valid) {
        return;  // whoever asked has asked anew
    }
    const auto tree_index = resource == 0 ? 0U : store.resources[resource].tree;
    const bool asked = tree_index != 0 && (store.trees[tree_index].state == TreeState::kLookup ||
                                           (store.trees[tree_index].state == TreeState::kRemote &&
                                            store.trees[tree_index].master == from));
    if (!asked) {
        if (tree_index == 0 || store.trees[tree_index].state != TreeState::kLocal) {
            send(from, VacateMessage{m.root, m.token});
        }
        return;
    }
    become_master(tree_index, m.token, node_of(from).value());
    restart(tree_index);  // with a master: to the engine
}

// ---- answering

// By the directory kept here; 0 if no member is known to be.
std::uint32_t LockManager::Impl::master_of(std::string_view root) const {
    const auto entry = entries.find(root);
    return entry != entries.end() && parties[entry->second.master].member ? entry->second.master
                                                                          : 0;
}

// Its next master may not have it yet: who gave it away says so, and the next one has not. A
// request could be there before the tree.
bool LockManager::Impl::promised(std::string_view root) const {
    const auto entry = entries.find(root);
    return entry != entries.end() && entry->second.promised != 0 &&
           parties[entry->second.promised].member && !mutated("believe_giver");
}

bool LockManager::Impl::may_assign(std::string_view root) const {
    const auto entry = entries.find(root);
    // Those lost with its master may hold locks that only it knew of.
    if (entry != entries.end() && !parties[entry->second.master].member &&
        !pending_haunts.empty() && !mutated("forget_lost_master")) {
        return false;
    }
    if (!complete && !mutated("assign_before_complete")) {
        return false;
    }
    return proves_free(hash_of(root));
}

// No lost life can have what nobody else knows of.
bool LockManager::Impl::proves_free(std::uint64_t hash) const {
    return pending_haunts.empty() || std::ranges::all_of(parties, [&](const Party& party) {
               return !party.pending || history.proves_free(self(), hash, party.id);
           });
}

// The directory's part: forward to the master, make the sender master, or wait until that is safe.
void LockManager::Impl::answer_lookup(std::uint32_t from, EnqueueMessage& m) {
    const auto origin = party_of(m.origin);
    const auto master = master_of(m.root);
    const bool there = !promised(m.root);
    if (there && master != 0 && master != from && master != origin) {
        m.entry_token = std::max<std::uint64_t>(entries.find(m.root)->second.token, 1);
        send(master, m);
        return;
    }
    if (origin != from) {
        // A master before has passed it on. Neither of them has asked who the master is.
        send(origin, BounceMessage{m.lock, m.op});
        return;
    }
    if (!there || (master == 0 && !may_assign(m.root))) {
        constexpr std::size_t kLookupsMax = 100'000;
        const bool known = std::ranges::any_of(lookups, [&](const Lookup& one) {
            return one.party == from && one.message.lock == m.lock && one.message.op == m.op;
        });
        if (known) {
            return;
        }
        if (lookups.size() < kLookupsMax) {
            lookups.push_back({from, m});
        } else {
            send(from, RefusedMessage{m.lock, m.op, LockStatus::kOverLimit});
        }
        return;
    }
    const bool weightless = parties[from].weight == 0;
    if (master == 0 && weightless && parties[kSelf].weight != 0 && !draining) {
        // It never masters anything.
        entries.erase(m.root);
        const auto resource = store.find_or_create(0, m.root);
        const auto tree = store.resources[resource].tree;
        become_master(tree, released_token, self().value());
        serve_enqueue(from, resource, m);
        restart(tree);
        return;
    }
    auto& assigned = entries[m.root];
    assigned.master = from;
    assigned.promised = 0;
    // Greater each time, so that a Vacate of before does not undo it.
    assigned.token = std::max({assigned.token, released_token, epoch() << 40}) + 1;
    send(from, AssignMessage{m.root, assigned.token});
}

void LockManager::Impl::retry_lookups() {
    for (auto& lookup : std::exchange(lookups, {})) {
        if (parties[lookup.party].member) {
            message_issued = epoch();
            handle(lookup.party, lookup.message);
        }
    }
    for (const auto tree : std::exchange(own_lookups, {})) {
        if (store.trees[tree].state == TreeState::kLookup &&
            directory_of_root(store.root_key_of(store.trees[tree])) == self()) {
            store.trees[tree].state = TreeState::kUnknown;
            restart(tree);
        }
    }
}

// ---- who masters what

void LockManager::Impl::claim(std::string_view root, std::uint32_t master, std::uint64_t token,
                              std::uint32_t promised) {
    auto entry = entries.find(root);
    if (entry != entries.end() && entry->second.token >= token &&
        parties[entry->second.master].member &&
        (entry->second.master != master || (promised != 0 && entry->second.promised == 0))) {
        return;
    }
    if (master == kSelf) {
        if (entry != entries.end()) {
            entries.erase(entry);
        }
        return;
    }
    entries[std::string(root)] = {master, promised, token};
    if (master == 0 || promised != 0) {
        return;  // it is lost, or not there yet
    }
    // Whoever waits here for the answer has it.
    if (const auto resource = store.find(0, root); resource != 0) {
        const auto tree = store.resources[resource].tree;
        if (store.trees[tree].state == TreeState::kLookup) {
            settle(tree, master);
        }
    }
}

void LockManager::Impl::handle(std::uint32_t from, ClaimMessage& m) {
    for (const auto& entry : m.entries) {
        const auto master =
            entry.master == node_of(from) ? from : party_at(entry.master, message_issued);
        if ((master != 0 || entry.master == NodeId(0)) && directory_of_root(entry.root) == self()) {
            claim(entry.root, master, entry.token, master == 0 || master == from ? 0 : from);
        }
        if (m.move != 0) {
            send(from, ClaimedMessage{entry.root, m.move});
        }
    }
    if (complete && (!lookups.empty() || !own_lookups.empty())) {
        retry_lookups();
    }
}

void LockManager::Impl::handle(std::uint32_t from, VacateMessage& m) {
    const auto entry = entries.find(m.root);
    released_token = std::max(released_token, m.token);
    if (entry != entries.end() && entry->second.master == from && m.token >= entry->second.token) {
        entries.erase(entry);
        if (!lookups.empty() || !own_lookups.empty()) {
            retry_lookups();
        }
    }
}

// This node masters the tree no more, nobody uses it.
void LockManager::Impl::vacate(Tree& tree) {
    --mastered;
    // A new view's directory may not have heard of it yet; it must not give the same tokens again.
    const auto root = store.root_key_of(tree);
    const auto node = recovering() ? directory_of_root(root) : NodeId(tree.directory);
    if (node == self()) {
        released_token = std::max(released_token, tree.token);
    } else if (const auto directory = party_of(node); directory != 0) {
        send(directory, VacateMessage{std::string(root), tree.token});
    }
}

// ---- unused trees

// Kept for a while: the next user needs no lookup. What the directory here masters costs nothing to
// find again.
void LockManager::Impl::make_idle(std::uint32_t tree_index) {
    auto& tree = store.trees[tree_index];
    auto& root = store.resources[tree.root];
    const bool local = tree.state == TreeState::kLocal;
    // A haunted tree tells that its root is not free, though nobody uses it here.
    const bool remembered = (local && engine.haunted(tree)) ||
                            (local && NodeId(tree.directory) != self() && !draining) ||
                            tree.state == TreeState::kRemote;
    if (tree.idle) {
        return;
    }
    if (!remembered) {
        if (local) {
            vacate(tree);
        }
        store.erase(tree.root);
        return;
    }
    if (root.value != 0) {
        store.values.release(root.value);
        root.value = 0;
    }
    tree.idle = true;
    tree.certain = false;
    tree.idle_since = static_cast<std::uint32_t>(ms());
    tree.idle_prev = idle_last;
    tree.idle_next = 0;
    (idle_last != 0 ? store.trees[idle_last].idle_next : idle_first) = tree_index;
    idle_last = tree_index;
}

void LockManager::Impl::end_idle(std::uint32_t tree_index) {
    auto& tree = store.trees[tree_index];
    (tree.idle_prev != 0 ? store.trees[tree.idle_prev].idle_next : idle_first) = tree.idle_next;
    (tree.idle_next != 0 ? store.trees[tree.idle_next].idle_prev : idle_last) = tree.idle_prev;
    tree.idle = false;
    tree.idle_next = tree.idle_prev = 0;
}

void LockManager::Impl::expire_idle() {
    while (idle_first != 0 && !frozen && idle_left(store.trees[idle_first]) <= 0) {
        const auto tree = idle_first;
        end_idle(tree);
        if (store.trees[tree].state == TreeState::kLocal && engine.haunted(store.trees[tree])) {
            make_idle(tree);
            continue;
        }
        if (store.trees[tree].state == TreeState::kLocal) {
            vacate(store.trees[tree]);
        }
        store.erase(store.trees[tree].root);
    }
}

}  // namespace quorate::lockmgr
