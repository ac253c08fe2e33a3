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
    forget_parts();
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
    tell_uses();
    settle_moves_of_view();
    prune_entries();
    recovered = 1;
    recovered_end = store.trees.end();
    recover_anyway = ms() + kAwaitBegin;
    recover_trees();
}

// Those that another directory keeps now. That of a lost master stays until nobody lost is awaited:
// it tells that the root is not free.
void LockManager::Impl::prune_entries() {
    entries.erase_if([&](auto& entry) {
        auto& [master, giver, token] = entry.second;
        // Lost before the next master had the tree, or that one says so itself.
        if (giver != 0 && !parties[giver].member && !mutated("believe_giver")) {
            master = giver = 0;
        }
        return (!parties[master].member && pending_haunts.empty()) ||
               (shares_changed && directory_of_root(entry.root()) != self());
    });
}

// Before a member has said Begin nothing reaches it; all at once it would keep it from other work.
// It is waited for a moment: other trees are not to wait for one that does not speak.
bool LockManager::Impl::may_recover() const {
    return recovering() &&
           (ms() >= recover_anyway || std::ranges::all_of(members, [&](std::uint32_t party) {
                return party == kSelf || parties[party].begun;
            }));
}

bool LockManager::Impl::may_go_on() const {
    return !frozen && (may_recover() || finishing || !releasing.empty());
}

// A part of what is to be done for this epoch: other trees are not to wait for all of it.
void LockManager::Impl::go_on() {
    if (!may_go_on()) {
        return;
    }
    if (may_recover()) {
        recover_trees();
        restart_all();
        tell_done();
        check_complete();
    } else if (finishing) {
        finish_rebuilds();
    } else {
        release_more();
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
            // It may have been another in an epoch that ended early, and have forgotten the tree.
            const bool knows =
                NodeId(tree.directory) == directory && !parties[party].newcomer && looked_at_all;
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
        if (lock.pending == Pending::kSent && !lock.has_granted && !mutated("ask_once")) {
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
    flush_bulk(kSelf);
    std::erase_if(moves, [](const auto& move) { return move.second.sent; });
    finish_rebuilds();
}

}  // namespace quorate::lockmgr
