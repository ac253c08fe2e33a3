#include "manager.hpp"

// A tree moves to the node that uses it most. Its master stops the other users, so that nothing is
// on its way to it any more, and then gives all of it to the next master in one go:
//
//   old master   Stop to the users -> Stopped from all -> Transfer
//   new master   installs it, Claim to the directory, Moved to the users; Claimed -> MoveDone
//
// Until the Transfer is sent a new view ends the move, and so does a user that does not answer: it
// may be dead, and others are not to wait until that is known. The old master goes on. After that
// the tree is the new master's, and if that one is lost it is rebuilt like any other.
namespace quorate::lockmgr {
namespace {

constexpr std::uint8_t kMovesRemembered = 6;
constexpr std::int64_t kStopTime = 300;  // milliseconds, for all users to answer
constexpr std::int64_t kDrainAgain = 1000;

}  // namespace

// ---- away from here

// Members with locks in the tree, this one not among them.
std::vector<std::uint32_t> LockManager::Impl::users_of(const Tree& tree) const {
    std::set<std::uint32_t> users;
    for (auto at = store.first_of(tree); at != 0; at = store.after(at)) {
        for (const auto which : {Queue::kGranted, Queue::kConverting, Queue::kWaiting}) {
            for (auto lock = store.resources[at].queue(which).head; lock != 0;
                 lock = store.locks[lock].next) {
                users.insert(store.locks[lock].party);
            }
        }
    }
    users.erase(kSelf);
    return {users.begin(), users.end()};
}

void LockManager::Impl::start_move(std::uint32_t index, std::uint32_t target) {
    auto& tree = store.trees[index];
    const std::string root(store.root_key_of(tree));
    if (moves.contains(root)) {
        return;
    }
    auto& move = moves[root];
    move.number = ++move_number;
    move.target = target;
    move.users = users_of(tree);
    move.waiting = move.users;
    move.due = ms() + kStopTime;
    if (tree.idle) {
        end_idle(index);
    }
    more(tree).move = move.number;
    for (const auto user : move.users) {
        send(user, StopMessage{root, move.number, node_of(target)});
    }
    if (move.waiting.empty() || mutated("move_without_stopping")) {
        transfer(index);
    } else if (moves_due == 0) {
        moves_due = move.due;
    }
}

void LockManager::Impl::handle(std::uint32_t from, StoppedMessage& m) {
    const auto found = moves.find(m.root);
    if (found == moves.end()) {
        // Asked again: the target was lost when the move was done, but not all users had heard.
        const auto resource = store.find(0, m.root);
        const bool here =
            resource != 0 && store.trees[store.resources[resource].tree].state == TreeState::kLocal;
        send(from, here ? Message(MovedMessage{m.root}) : ResumeMessage{m.root, m.move, self()});
        return;
    }
    if (found->second.number != m.move || found->second.sent) {
        return;
    }
    std::erase(found->second.waiting, from);
    if (found->second.waiting.empty()) {
        transfer(store.resources[store.find(0, m.root)].tree);
    }
}

void LockManager::Impl::transfer(std::uint32_t index) {
    auto& tree = store.trees[index];
    const std::string root(store.root_key_of(tree));
    auto& move = moves[root];
    ++tree.token;  // the next master's claim is newer than any before
    TransferMessage message;
    message.tree.root = root;
    message.move = move.number;
    std::size_t size = 0;
    const auto cut = [&] {
        send(move.target, message);
        message.tree.resources.clear();
        size = 0;
    };
    for (auto at = store.first_of(tree); at != 0; at = store.after(at)) {
        const auto& resource = store.resources[at];
        message.tree.resources.emplace_back().path = path_of(at);
        if (resource.value != 0) {
            const auto& value = store.values[resource.value];
            auto& image = message.tree.resources.back();
            image.seq = value.seq;
            image.invalid = value.invalid;
            image.value = value.block;
        }
        size += 128;
        for (const auto which : {Queue::kGranted, Queue::kConverting, Queue::kWaiting}) {
            for (auto lock = resource.queue(which).head; lock != 0; lock = store.locks[lock].next) {
                auto& image = message.tree.resources.back().locks.emplace_back();
                fill_image(lock, image);
                // What this node has told may be lost with it: the next master says it again.
                image.highbast = LockMode::NL;
                size += store.locks[lock].value != 0 ? 128U : 64U;
                if (size > kMaxBulk) {
                    cut();
                    message.tree.resources.emplace_back().path = path_of(at);
                }
            }
        }
    }
    message.last = true;
    message.token = tree.token;
    message.head = tree.head;
    message.tail = tree.tail;
    message.moves =
        std::min<std::uint8_t>(static_cast<std::uint8_t>(more(tree).moves + 1), kMovesRemembered);
    for (const auto user : move.users) {
        if (user != move.target) {
            message.users.push_back(node_of(user));
        }
    }
    cut();
    move.sent = true;
    move.token = tree.token;
    ++moves_done;
    // Before the target says so: what is kept of an unused tree may have been forgotten by then.
    if (directory_of_root(root) == self() && !mutated("assign_what_moves")) {
        claim(root, move.target, move.token);
    }
    give_away(index);
}

// Only this node's own locks stay, as an owner's records.
void LockManager::Impl::give_away(std::uint32_t index) {
    auto& tree = store.trees[index];
    const auto target = moves[std::string(store.root_key_of(tree))].target;
    ++tree.locks;
    std::vector<std::uint32_t> own;
    std::vector<std::uint32_t> others;
    for (auto at = store.first_of(tree); at != 0; at = store.after(at)) {
        auto& resource = store.resources[at];
        for (const auto which : {Queue::kGranted, Queue::kConverting, Queue::kWaiting}) {
            for (auto lock = resource.queue(which).head; lock != 0; lock = store.locks[lock].next) {
                const bool ours = store.locks[lock].party == kSelf && !store.locks[lock].abandoned;
                (ours ? own : others).push_back(lock);
            }
        }
        resource.held = {};
        resource.notified = LockMode::NL;
        if (resource.value != 0) {
            store.values.release(resource.value);
            resource.value = 0;
        }
    }
    --mastered;
    tree.state = TreeState::kRemote;
    tree.mastered_by(target);
    tree.certain = true;
    tree.more->move = 0;
    tree.more->activity.clear();
    for (const auto lock : own) {
        store.unlink(lock);
        store.push_back(lock, Queue::kGranted);
    }
    for (const auto lock : others) {
        destroy(lock);
    }
    --tree.locks;
    flush_held(index);
}

void LockManager::Impl::abort_move(std::uint32_t index) {
    auto& tree = store.trees[index];
    const std::string root(store.root_key_of(tree));
    const auto& move = moves[root];
    for (const auto user : move.users) {
        send(user, ResumeMessage{root, move.number, NodeId(0)});
    }
    tree.more->move = 0;
    moves.erase(root);
    to_restart.push_back(index);
}

// Their trees are to stay for a while: the next try may end like this one.
void LockManager::Impl::give_up_moves() {
    moves_due = 0;
    std::vector<std::uint32_t> late;
    for (const auto& [root, move] : moves) {
        if (move.sent) {
            continue;
        }
        if (move.due <= ms() && !mutated("stop_for_ever")) {
            late.push_back(store.resources[store.find(0, root)].tree);
        } else {
            moves_due = moves_due == 0 ? move.due : std::min(moves_due, move.due);
        }
    }
    for (const auto tree : late) {
        auto& state = more(store.trees[tree]);
        state.arrived = ms();
        state.moves =
            std::min<std::uint8_t>(static_cast<std::uint8_t>(state.moves + 1), kMovesRemembered);
        abort_move(tree);
    }
    restart_all();
    if (draining && !late.empty()) {
        next_drain = ms() + kDrainAgain;
    }
}

void LockManager::Impl::settle_moves_of_view() {
    for (auto it = moves.begin(); it != moves.end();) {
        const auto next = std::next(it);
        const auto& [root, move] = *it;
        if (!move.sent) {
            abort_move(store.resources[store.find(0, root)].tree);
        } else if (!parties[move.target].member) {
            for (const auto user : move.users) {
                send(user, ResumeMessage{root, move.number, node_of(move.target)});
            }
            // The directory may not have heard that it is not this node any more.
            if (const auto directory = party_of(directory_of_root(root)); directory == kSelf) {
                claim(root, 0, move.token);
            } else {
                claim_bulk(directory, root, 0, move.token);
            }
            moves.erase(it);
        } else if (const auto directory = party_of(directory_of_root(root)); directory == kSelf) {
            claim(root, move.target, move.token);
        } else {
            // It may be under way for a while yet.
            claim_bulk(directory, root, move.target, move.token);
        }
        it = next;
    }
}

void LockManager::Impl::handle(std::uint32_t, MoveDoneMessage& m) {
    const auto found = moves.find(m.root);
    if (found != moves.end() && found->second.number == m.move && found->second.sent) {
        moves.erase(found);
    }
    if (draining && complete) {
        drain_trees();
    }
}

// ---- users

void LockManager::Impl::handle(std::uint32_t from, StopMessage& m) {
    const auto resource = store.find(0, m.root);
    const auto index = resource == 0 ? 0U : store.resources[resource].tree;
    if (index != 0 && asks(store.trees[index], from)) {
        auto& tree = store.trees[index];
        if (tree.idle) {
            end_idle(index);
            store.erase(tree.root);
        } else {
            tree.state = TreeState::kStopped;
            tree.mastered_by(from);
            more(tree).move = m.move;
            more(tree).move_target = party_of(m.target);
            hold_releases(index);
        }
    }
    send(from, StoppedMessage{m.root, m.move});
}

// What this node has sent for the tree is on its way to that master. It may be the directory too,
// and have been asked as such.
bool LockManager::Impl::asks(const Tree& tree, std::uint32_t master) const {
    return (tree.state == TreeState::kRemote && tree.master == master) ||
           (tree.state == TreeState::kLookup && tree.more && tree.more->asked_in == epoch() &&
            directory_of_root(store.root_key_of(tree)) == node_of(master));
}

// Their requests are answered by this master, their releases would come too late.
void LockManager::Impl::hold_releases(std::uint32_t index) {
    for (const auto lock : sent_of(store.trees[index])) {
        if (store.locks[lock].abandoned) {
            more(store.trees[index])
                .held.emplace_back(
                    DequeueMessage{store.id_of(lock), flag::FORCEUNLOCK, std::nullopt});
            destroy(lock);
        }
    }
}

void LockManager::Impl::handle(std::uint32_t from, ResumeMessage& m) {
    const auto resource = store.find(0, m.root);
    const auto index = resource == 0 ? 0U : store.resources[resource].tree;
    const bool stopped = index != 0 && store.trees[index].state == TreeState::kStopped &&
                         store.trees[index].master == from &&
                         store.trees[index].more->move == m.move;
    if (stopped && m.lost == NodeId(0)) {
        store.trees[index].state = TreeState::kRemote;
        store.trees[index].more->move = 0;
        restart(index);
    } else if (stopped && !contribute(index)) {
        store.trees[index].state = TreeState::kUnknown;
        store.trees[index].master = 0;
        restart(index);
    }
    if (const auto found = unresolved.find(m.root); found != unresolved.end()) {
        unresolved.erase(found);
        tell_done();
        check_complete();
    }
}

void LockManager::Impl::handle(std::uint32_t from, MovedMessage& m) {
    const auto resource = store.find(0, m.root);
    const auto index = resource == 0 ? 0U : store.resources[resource].tree;
    if (index == 0) {
        return;
    }
    auto& tree = store.trees[index];
    if (tree.state == TreeState::kStopped || tree.state == TreeState::kRemote ||
        tree.state == TreeState::kRebuild) {
        const bool lost = !parties[tree.master].member;
        if (tree.state == TreeState::kStopped) {
            for (const auto lock : sent_of(tree)) {
                store.locks[lock].overtaken = true;
            }
        }
        if (tree.master != from) {
            more(tree).left = tree.master;
        }
        tree.state = TreeState::kRemote;
        tree.mastered_by(from);
        if (lost) {
            ask_of_queued(tree);
        }
        tree.certain = true;
        if (tree.more) {
            tree.more->move = 0;
        }
        restart(index);
    }
}

}  // namespace quorate::lockmgr
