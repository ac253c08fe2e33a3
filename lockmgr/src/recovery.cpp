#include <fmt/core.h>

#include "manager.hpp"

// What a new view asks for. Messages between surviving lives are not lost (link.hpp), so only what
// lost lives knew has to be found again: the trees they mastered, from the owners' records, and the
// directory entries they kept, from the masters.
//
//   each member, at once:   Begin to all; claims of the trees whose directory changed; its part of
//                           the trees that lost their master, to the root's directory; Done
//   each directory,
//   when all are Done:      takes the trees that nobody claims, tells who gave parts of them, and
//                           answers the lookups that have waited
//
// A further view starts this anew. Nothing is undone: a part or a claim counts in its epoch only.
namespace quorate::lockmgr {

void LockManager::Impl::start_recovery() {
    complete = finishing = false;
    rebuilds.clear();
    rebuild_roots = Table();
    rebuilt = 0;
    std::erase_if(lookups, [&](const Lookup& one) { return !parties[one.party].member; });
    own_lookups.clear();
    unresolved.clear();
    bulk_rebuild.clear();
    bulk_claim.clear();
    bulk_size.clear();
    searching.awaited = 0;
    if (searching.stage != Search::Stage::kIdle) {
        end_search(/*found=*/true);
    }
    std::erase_if(incoming, [&](const auto& one) { return !parties[one.second.from].member; });
    for (const auto party : members) {
        if (party != kSelf) {
            out->push_back(Send{
                node_of(party),
                encode(Packet{view.epoch, Begin{cluster::Epoch(previous_epoch),
                                                parties[party].link.received, ms() + ahead}})});
        }
    }
    history.add(view);
    settle_moves_of_view();
    prune_entries();
    recovered = 1;
    recovered_end = store.trees.end();
    recover_trees();
}

// Those that another directory keeps now. That of a lost master stays until nobody lost is awaited:
// it tells that the root is not free.
void LockManager::Impl::prune_entries() {
    entries.erase_if([&](const auto& entry) {
        const auto& master = parties[entry.second.master];
        return (!master.member && pending_haunts.empty()) ||
               (shares_changed && directory_of_root(entry.root()) != self());
    });
}

// A part of what is to be done for this epoch: other trees are not to wait for all of it.
void LockManager::Impl::go_on() {
    if (frozen) {
        return;
    }
    if (recovering()) {
        recover_trees();
        restart_all();
        tell_done();
        check_complete();
    } else if (finishing) {
        finish_rebuilds();
    }
}

void LockManager::Impl::recover_trees() {
    for (std::uint32_t left = options.recovery_trees; recovering() && left != 0; --left) {
        const auto tree = recovered++;
        if (store.trees[tree].root != 0) {
            recover_tree(tree);
        }
    }
    // A claim counts in later epochs too: it must not be forgotten if this one ends early.
    for (const auto party : members) {
        flush_bulk(party);
    }
}

void LockManager::Impl::restart_all() {
    for (const auto tree : std::exchange(to_restart, {})) {
        restart(tree);
    }
}

void LockManager::Impl::recover_tree(std::uint32_t index) {
    auto& tree = store.trees[index];
    switch (tree.state) {
        case TreeState::kLocal: {
            if (!shares_changed && view.find(NodeId(tree.directory)) != nullptr) {
                return;
            }
            const auto directory = directory_of_root(store.root_key_of(tree));
            const auto party = party_of(directory);
            const bool knows = NodeId(tree.directory) == directory && !parties[party].newcomer;
            tree.directory = directory.value();
            if (!knows && party != kSelf && !mutated("claim_nothing")) {
                claim_bulk(party, std::string(store.root_key_of(tree)), kSelf, tree.token);
            }
            return;
        }
        case TreeState::kRemote:
        case TreeState::kStopped:
            if (parties[tree.master].member) {
                if (tree.state == TreeState::kStopped && !parties[tree.more->move_target].member) {
                    // The master may have done with the move already.
                    unresolved.emplace(store.root_key_of(tree));
                    send(tree.master,
                         StoppedMessage{std::string(store.root_key_of(tree)), tree.more->move});
                }
                if (tree.state == TreeState::kRemote) {
                    repeat_requests(tree);
                    if (departures) {
                        ask_of_queued(tree);
                    }
                }
                return;
            }
            break;
        case TreeState::kRebuild:
            break;
        case TreeState::kLookup:
            if (tree.more && tree.more->asked_in == epoch()) {
                return;
            }
            tree.state = TreeState::kUnknown;
            to_restart.push_back(index);
            return;
        case TreeState::kUnknown:
            return;
    }
    if (!contribute(index)) {
        tree.state = TreeState::kUnknown;
        tree.master = 0;
        to_restart.push_back(index);
    }
}

// The master remembered may have been the directory only: it has forwarded to one that is lost, or
// answered by an assignment that counts in the epoch before only.
void LockManager::Impl::repeat_requests(const Tree& tree) {
    for (auto at = store.resources[tree.root].queue(Queue::kGranted).head; at != 0;
         at = store.locks[at].next) {
        const auto& lock = store.locks[at];
        if (lock.pending == Pending::kSent && !lock.has_granted) {
            send_operation(at);
        }
    }
}

// A master that is lost may have been about to say that what waits in a queue is granted, and the
// next one has it so.
void LockManager::Impl::ask_of_queued(const Tree& tree) {
    for (auto resource = store.first_of(tree); resource != 0; resource = store.after(resource)) {
        for (auto at = store.resources[resource].queue(Queue::kGranted).head; at != 0;
             at = store.locks[at].next) {
            if (store.locks[at].pending == Pending::kQueued) {
                ask_again(at);
            }
        }
    }
}

// ---- what goes to the others

void LockManager::Impl::claim_bulk(std::uint32_t party, std::string root, std::uint32_t master,
                                   std::uint64_t token) {
    auto& bulk = bulk_claim[party];
    auto& size = bulk_size[party];
    size += root.size() + 16;
    bulk.entries.push_back({std::move(root), node_of(master), token});
    if (size > kMaxBulk || bulk.entries.size() == kMaxList) {
        flush_bulk(party);
    }
}

void LockManager::Impl::claim_all(std::uint32_t party) {
    for (std::uint32_t index = 1; index < store.trees.end(); ++index) {
        const auto& tree = store.trees[index];
        if (tree.root != 0 && tree.state == TreeState::kLocal &&
            NodeId(tree.directory) == node_of(party)) {
            claim_bulk(party, std::string(store.root_key_of(tree)), kSelf, tree.token);
        }
    }
}

void LockManager::Impl::flush_bulk(std::uint32_t party) {
    if (const auto claims = bulk_claim.find(party); claims != bulk_claim.end()) {
        send(party, claims->second);
        bulk_claim.erase(claims);
    }
    if (const auto parts = bulk_rebuild.find(party); parts != bulk_rebuild.end()) {
        send(party, parts->second);
        bulk_rebuild.erase(parts);
    }
    bulk_size.erase(party);
}

void LockManager::Impl::fill_image(std::uint32_t index, LockImage& image) const {
    const auto& lock = store.locks[index];
    image.node = node_of(lock.party);
    image.lock = store.owner_id_of(index);
    // An operation of this node's own that no master has had counts from when one has.
    const bool ahead_of_master =
        lock.party == kSelf && (lock.pending == Pending::kSent || lock.pending == Pending::kHeld);
    image.op = lock.op - (ahead_of_master && !mutated("count_early") ? 1U : 0U);
    image.pid = lock.pid;
    image.xid = lock.xid;
    image.priority = lock.priority;
    image.flags = lock.flags;
    image.queue = static_cast<std::uint8_t>(lock.queue);
    image.granted = lock.granted;
    image.requested = lock.requested;
    image.highbast = lock.highbast;
    image.order = lock.order;
    image.token = lock.token;
    if (lock.value != 0) {
        const auto& value = store.values[lock.value];
        image.seq = value.seq;
        image.seen = value.seen;
        image.invalid = value.invalid;
        image.value = value.block;
    }
}

std::vector<std::string> LockManager::Impl::path_of(std::uint32_t index) const {
    std::vector<std::string> path;
    for (; store.resources[index].parent != 0; index = store.resources[index].parent) {
        path.emplace_back(store.resources[index].name.view());
    }
    std::ranges::reverse(path);
    return path;
}

// This node's part of a tree whose master is lost; false if it has none.
bool LockManager::Impl::contribute(std::uint32_t index) {
    auto& tree = store.trees[index];
    TreeImage image;
    image.root = store.root_key_of(tree);
    std::size_t size = image.root.size();
    const auto party = party_of(directory_of_root(image.root));
    const auto part = [&] {
        if (party == kSelf) {
            add_rebuild(kSelf, std::move(image));
        } else {
            bulk_rebuild[party].trees.push_back(std::move(image));
            auto& bulk = bulk_size[party];
            bulk += size;
            if (bulk > kMaxBulk || bulk_rebuild[party].trees.size() == kMaxList) {
                flush_bulk(party);
            }
        }
        image = TreeImage{std::string(store.root_key_of(tree)), {}};
        size = image.root.size();
    };
    bool any = false;
    for (auto at = store.first_of(tree); at != 0; at = store.after(at)) {
        ResourceImage resource;
        resource.path = path_of(at);
        for (auto lock = store.resources[at].queue(Queue::kGranted).head; lock != 0;
             lock = store.locks[lock].next) {
            const auto& one = store.locks[lock];
            const bool queued = one.pending == Pending::kQueued;
            if (!one.has_granted && !queued) {
                continue;
            }
            auto& entry = resource.locks.emplace_back();
            fill_image(lock, entry);
            entry.queue = static_cast<std::uint8_t>(!queued           ? Queue::kGranted
                                                    : one.has_granted ? Queue::kConverting
                                                                      : Queue::kWaiting);
            entry.highbast = LockMode::NL;
            size += entry.value ? 128U : 64U;
            if (size > kMaxBulk) {
                image.resources.push_back(std::exchange(
                    resource, ResourceImage{path_of(at), 0, false, std::nullopt, {}}));
                part();
            }
            any = true;
        }
        if (!resource.locks.empty()) {
            size += 16;
            image.resources.push_back(std::move(resource));
        }
    }
    // The new master of an earlier epoch, or the one that the tree has moved to, may have what this
    // node held then, and releases are held for it: it is asked for even if nothing is left.
    const bool again = (tree.state == TreeState::kRebuild || tree.state == TreeState::kStopped) &&
                       tree.more && !tree.more->held.empty();
    if (!any && !again) {
        return false;
    }
    if (!image.resources.empty() || !any) {
        part();
    }
    tree.state = TreeState::kRebuild;
    tree.master = 0;
    if (tree.more) {
        tree.more->move = 0;
    }
    if (tree.idle) {
        end_idle(index);
    }
    return true;
}

void LockManager::Impl::tell_done() {
    if (!unresolved.empty() || recovering() || frozen) {
        return;
    }
    for (const auto index : members) {
        auto& party = parties[index];
        if (index == kSelf || !party.begun || std::exchange(party.told_done, true)) {
            continue;
        }
        flush_bulk(index);
        send(index, DoneMessage{});
    }
}

// ---- what comes from the others

void LockManager::Impl::handle(std::uint32_t from, RebuildMessage& m) {
    if (message_issued != epoch()) {
        return;
    }
    for (auto& tree : m.trees) {
        add_rebuild(from, std::move(tree));
    }
}

void LockManager::Impl::add_rebuild(std::uint32_t party, TreeImage image) {
    const auto hash = hash_of(image.root);
    const auto first = rebuild_roots.find(
        hash, [&](std::uint32_t part) { return rebuilds[part - 1].image.root == image.root; });
    rebuilds.push_back({party, 0, 0, first != 0, std::move(image)});
    const auto added = static_cast<std::uint32_t>(rebuilds.size());
    if (first == 0) {
        rebuild_roots.insert(hash, added);
        rebuilds.back().last = added;
    } else {
        rebuilds[std::exchange(rebuilds[first - 1].last, added) - 1].next = added;
    }
}

void LockManager::Impl::handle(std::uint32_t from, DoneMessage&) {
    if (message_issued == epoch()) {
        parties[from].done = true;
        check_complete();
    }
}

void LockManager::Impl::check_complete() {
    const bool all = std::ranges::all_of(members, [&](std::uint32_t party) {
        return party == kSelf ? unresolved.empty() && !recovering() : parties[party].done;
    });
    if (complete || finishing || frozen || !all) {
        return;
    }
    finishing = true;
    std::erase_if(moves, [](const auto& move) { return move.second.sent; });
    finish_rebuilds();
}

// The next roots, in the order in which they came: near each other in memory, more or less.
void LockManager::Impl::finish_rebuilds() {
    std::map<std::uint32_t, MasteredMessage> answers;
    std::vector<Contribution*> parts;
    for (std::uint32_t left = options.recovery_trees; rebuilt < rebuilds.size() && left != 0;) {
        const auto first = rebuilt++;
        if (rebuilds[first].follows) {
            continue;
        }
        parts.clear();
        for (auto at = first + 1; at != 0; at = rebuilds[at - 1].next) {
            parts.push_back(&rebuilds[at - 1]);
        }
        finish_rebuild(parts, answers);
        --left;
    }
    for (auto& [party, answer] : answers) {
        for (std::size_t at = 0; at < answer.entries.size(); at += 500) {
            MasteredMessage piece;
            const auto end = std::min(answer.entries.size(), at + 500);
            piece.entries.assign(answer.entries.begin() + static_cast<std::ptrdiff_t>(at),
                                 answer.entries.begin() + static_cast<std::ptrdiff_t>(end));
            send(party, piece);
        }
    }
    engine.enable(true);
    carry_out_effects();
    restart_all();
    if (rebuilt == rebuilds.size()) {
        end_recovery();
    }
}

void LockManager::Impl::finish_rebuild(const std::vector<Contribution*>& parts,
                                       std::map<std::uint32_t, MasteredMessage>& answers) {
    const auto& root = parts.front()->image.root;
    const auto known = master_of(root);
    const auto resource = store.find(0, root);
    const bool here =
        resource != 0 && store.trees[store.resources[resource].tree].state == TreeState::kLocal;
    auto master = kSelf;
    if (known != 0 && !here) {
        master = known;
        settle_own(root, master);
    } else if (!here) {
        to_restart.push_back(install(root, parts));
    }
    std::vector<std::uint32_t> told{kSelf};
    for (auto* part : parts) {
        if (std::ranges::find(told, part->party) == told.end()) {
            told.push_back(part->party);
            answers[part->party].entries.push_back({root, node_of(master)});
        }
        part->image.resources = {};
    }
}

void LockManager::Impl::end_recovery() {
    finishing = false;
    complete = true;
    rebuilds.clear();
    rebuild_roots = Table();
    rebuilt = 0;
    history.completed();
    retry_lookups();
    if (draining) {
        drain_trees();
    }
}

// This node's own part of a tree that has a master after all.
void LockManager::Impl::settle_own(const std::string& root, std::uint32_t master) {
    const auto resource = store.find(0, root);
    const auto tree = resource == 0 ? 0U : store.resources[resource].tree;
    if (tree != 0 && store.trees[tree].state == TreeState::kRebuild) {
        store.trees[tree].state = TreeState::kRemote;
        store.trees[tree].mastered_by(master);
        store.trees[tree].certain = true;
        ask_of_queued(store.trees[tree]);
        restart(tree);
    }
}

void LockManager::Impl::handle(std::uint32_t from, MasteredMessage& m) {
    for (const auto& entry : m.entries) {
        const auto master = party_of(entry.master);
        // A node of an earlier epoch may have begun another life since, unless it speaks itself.
        if (master == 0 || (message_issued != epoch() && master != from)) {
            continue;
        }
        settle_own(entry.root, master);
    }
}

// ---- a tree comes to life here

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

std::uint32_t LockManager::Impl::install(const std::string& root,
                                         const std::vector<Contribution*>& parts) {
    const auto resource = store.find_or_create(0, root);
    const auto index = store.resources[resource].tree;
    if (store.trees[index].idle) {
        end_idle(index);
    }
    prepare_install(index);
    become_master(index, 0, self().value());
    auto& tree = store.trees[index];
    tree.haunt = anybody_pending() ? haunts : 0;
    std::vector<std::uint32_t> installed;
    for (const auto* part : parts) {
        for (const auto& image : part->image.resources) {
            const auto at = resource_at(resource, image.path);
            for (const auto& lock : image.locks) {
                if (store.find_remote(part->party, lock.lock.value()) == 0 &&
                    lock.node == node_of(part->party)) {
                    installed.push_back(install_lock(at, lock, part->party));
                    store.locks[installed.back()].op_queued = lock.queue == 2;
                }
            }
        }
    }
    restore_sorted(installed);
    settle_middle_conversions(index, installed);
    choose_values(index);
    return index;
}

// Of a conversion between CW and PR whose answer was lost with the master its owner cannot know
// whether it was granted. If the old mode cannot stand beside what others hold, it was. Those held
// for certain count first.
void LockManager::Impl::settle_middle_conversions(std::uint32_t tree_index,
                                                  const std::vector<std::uint32_t>& installed) {
    std::vector<std::uint32_t> open;
    for (const auto index : installed) {
        const auto& lock = store.locks[index];
        if (lock.queue == Queue::kGranted && middle_conversion(lock.granted, lock.requested)) {
            open.push_back(index);
        }
    }
    auto& tree = store.trees[tree_index];
    for (const bool certain : {true, false}) {
        std::vector<std::uint32_t> left;
        for (const auto index : open) {
            auto& lock = store.locks[index];
            auto& held = store.resources[lock.resource].held;
            const auto doubtful = std::ranges::count_if(open, [&](std::uint32_t other) {
                return store.locks[other].resource == lock.resource &&
                       store.locks[other].granted == lock.requested && other != index;
            });
            const auto others = static_cast<std::ptrdiff_t>(held[index_of(lock.requested)]);
            if (others <= (certain ? doubtful : 0)) {
                left.push_back(index);
                continue;
            }
            --held[index_of(lock.granted)];
            ++held[index_of(lock.requested)];
            lock.granted = lock.requested;
            lock.token = engine.next_token(tree);
        }
        open = std::move(left);
    }
}

// A lock above CR was granted with the last value there is, since nobody can have written while it
// was held. Otherwise a lost writer may have been the last: the newest one known, and not valid.
void LockManager::Impl::choose_values(std::uint32_t tree) {
    for (auto at = store.first_of(store.trees[tree]); at != 0; at = store.after(at)) {
        auto& resource = store.resources[at];
        Value best;
        std::uint64_t newest = 0;
        bool current = false;
        for (const auto which : {Queue::kGranted, Queue::kConverting}) {
            for (auto lock = resource.queue(which).head; lock != 0; lock = store.locks[lock].next) {
                const auto& one = store.locks[lock];
                if (one.value == 0) {
                    continue;
                }
                const auto& value = store.values[one.value];
                newest = std::max(newest, value.seen);
                const bool sure = one.granted > LockMode::CR && value.seq == value.seen;
                if (!current && (sure || value.seq >= best.seq)) {
                    best = value;
                    current = sure;
                }
            }
        }
        if (!current) {
            best.seq = std::max(best.seq, newest) + 1;
            best.invalid = !mutated("trust_old_value");
        }
        store.value_of(resource) = best;
    }
}

}  // namespace quorate::lockmgr
