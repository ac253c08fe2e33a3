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

constexpr std::int64_t kWindow = 1000;  // milliseconds
constexpr std::size_t kMovesAtOnce = 5;
constexpr std::size_t kMovesAtOnceDraining = 64;
constexpr std::uint32_t kSixteenths = 16;
constexpr std::uint32_t kLead = 10;     // operations per window
constexpr std::uint8_t kStreak = 3;     // windows
constexpr std::int64_t kCalm = 60'000;  // after which former moves are forgotten
constexpr std::uint8_t kMovesRemembered = 6;
constexpr std::int64_t kStopTime = 300;  // milliseconds, for all users to answer

}  // namespace

// ---- when

void LockManager::Impl::watch(std::uint32_t tree) {
    if (!std::exchange(more(store.trees[tree]).watched, true)) {
        watched.push_back(tree);
        next_scan = next_scan != 0 ? next_scan : ms() + kWindow;
    }
}

void LockManager::Impl::scan_activity() {
    for (const auto index : std::exchange(watched, {})) {
        auto& tree = store.trees[index];
        if (tree.root == 0 || !tree.more) {
            continue;
        }
        auto& activity = tree.more->activity;
        for (auto& one : activity) {
            one.average += 2 * std::exchange(one.count, 0) - one.average / 8;
        }
        const bool quiet = std::ranges::all_of(
            activity, [](const Activity& one) { return one.average < kSixteenths / 2; });
        if (tree.state != TreeState::kLocal || quiet) {
            activity.clear();
            tree.more->watched = false;
            continue;
        }
        watched.push_back(index);
        if (!frozen) {
            consider_move(index);
        }
    }
    next_scan = watched.empty() ? 0 : ms() + kWindow;
}

// OpenVMS's rule of cost and benefit, with a share that excludes nodes that use it alike, and a
// residence that doubles with every move.
void LockManager::Impl::consider_move(std::uint32_t index) {
    auto& tree = store.trees[index];
    auto& state = *tree.more;
    if (!complete || anybody_pending() || moving(tree) || tree.locks > options.move_locks_max ||
        moves.size() >= kMovesAtOnce) {
        return;
    }
    if (ms() - state.arrived > kCalm) {
        state.moves = 0;
    }
    const Activity* best = nullptr;
    std::uint32_t own = 0;
    std::uint64_t total = 0;
    for (const auto& one : state.activity) {
        total += one.average;
        const auto& party = parties[one.party];
        if (one.party == kSelf) {
            own = one.average;
        } else if (party.member && (party.weight != 0 || parties[kSelf].weight == 0) &&
                   (best == nullptr || one.average > best->average)) {
            best = &one;
        }
    }
    const bool alone = best != nullptr && own == 0 && best->average == total;
    const bool leads = best != nullptr && best->average * 10ULL > total * 6 &&
                       best->average >= own + kLead * kSixteenths &&
                       best->average - own > tree.locks;
    if (!leads && !alone) {
        state.streak = 0;
        return;
    }
    state.streak = state.candidate == best->party ? static_cast<std::uint8_t>(state.streak + 1) : 1;
    state.candidate = best->party;
    const bool settled = ms() - state.arrived >= options.residence.count() << state.moves;
    if ((alone || state.streak >= kStreak) && settled) {
        state.streak = 0;
        start_move(index, best->party);
    }
}

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
        next_drain = ms() + kWindow;
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
    if (index != 0 && store.trees[index].state == TreeState::kRemote &&
        store.trees[index].master == from) {
        auto& tree = store.trees[index];
        if (tree.idle) {
            end_idle(index);
            store.erase(tree.root);
        } else {
            tree.state = TreeState::kStopped;
            more(tree).move = m.move;
            more(tree).move_target = party_of(m.target);
        }
    }
    send(from, StoppedMessage{m.root, m.move});
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

// ---- to here

void LockManager::Impl::handle(std::uint32_t from, TransferMessage& m) {
    auto& coming = incoming[m.tree.root];
    if (coming.from != from || (!coming.parts.empty() && coming.parts.front().move != m.move)) {
        coming = Incoming{from, {}};
    }
    coming.parts.push_back(std::move(m));
    if (coming.parts.back().last) {
        auto parts = std::move(coming.parts);
        incoming.erase(parts.front().tree.root);
        arrive(from, std::move(parts));
    }
}

void LockManager::Impl::arrive(std::uint32_t from, std::vector<TransferMessage> parts) {
    const auto& last = parts.back();
    const auto root = last.tree.root;
    const auto resource = store.find_or_create(0, root);
    const auto index = store.resources[resource].tree;
    if (store.trees[index].idle) {
        end_idle(index);
    }
    moves.erase(root);
    engine.enable(false);
    prepare_install(index);
    const auto directory = directory_of_root(root);
    become_master(index, last.token, directory.value());
    auto& tree = store.trees[index];
    tree.head = last.head;
    tree.tail = last.tail;
    more(tree).arrived = ms();
    more(tree).moves = last.moves;
    more(tree).move = 0;
    std::vector<std::uint32_t> ended;
    for (const auto& part : parts) {
        unload(resource, part, ended);
    }
    for (const auto lock : ended) {
        engine.release(lock, flag::IVVALBLK, nullptr);
        destroy(lock);
    }
    if (directory == self()) {
        entries.erase(root);
        send(from, MoveDoneMessage{root, last.move});
    } else {
        const auto number = ++move_number;
        arrivals[number] = {root, from, last.move};
        send(party_of(directory), ClaimMessage{{{root, self(), last.token}}, number});
    }
    for (const auto user : last.users) {
        send(party_of(user), MovedMessage{root});
    }
    engine.enable(!frozen);
    carry_out_effects();
    restart(index);
}

// Who was lost while the tree was on its way waits no more, and holds until takeover; that is over
// for those in `ended`.
void LockManager::Impl::unload(std::uint32_t root, const TransferMessage& part,
                               std::vector<std::uint32_t>& ended) {
    for (const auto& image : part.tree.resources) {
        const auto at = resource_at(root, image.path);
        if (image.value) {
            store.value_of(store.resources[at]) = Value{*image.value, image.seq, 0, image.invalid};
        }
        for (const auto& lock : image.locks) {
            const auto party = party_at(lock.node, message_issued);
            const bool there = party != 0 && parties[party].member;
            auto queue = static_cast<Queue>(lock.queue);
            if (party == 0 || (!there && queue == Queue::kWaiting)) {
                continue;
            }
            const auto index = install_lock(at, lock, party);
            if (!there && queue == Queue::kConverting) {
                store.locks[index].requested = lock.granted;
                queue = Queue::kGranted;
            }
            engine.restore(index, queue);
            if (!there && !parties[party].pending) {
                ended.push_back(index);
            }
        }
    }
}

void LockManager::Impl::handle(std::uint32_t, ClaimedMessage& m) {
    const auto found = arrivals.find(m.move);
    if (found != arrivals.end()) {
        send(found->second.from, MoveDoneMessage{found->second.root, found->second.number});
        arrivals.erase(found);
    }
}

// ---- leaving

void LockManager::Impl::on(const Drain& input) {
    draining = input.on;
    drained = false;
    if (!draining) {
        return;
    }
    for (auto at = idle_first; at != 0;) {
        const auto next = store.trees[at].idle_next;
        if (store.trees[at].state == TreeState::kLocal && !engine.haunted(store.trees[at])) {
            end_idle(at);
            vacate(store.trees[at]);
            store.erase(store.trees[at].root);
        }
        at = next;
    }
    if (complete && !frozen) {
        drain_trees();
    }
}

// To whom uses it most; what only this node uses ends with its clients.
void LockManager::Impl::drain_trees() {
    next_drain = 0;
    if (anybody_pending()) {
        return;
    }
    for (std::uint32_t index = 1; index < store.trees.end() && moves.size() < kMovesAtOnceDraining;
         ++index) {
        auto& tree = store.trees[index];
        if (tree.root == 0 || tree.state != TreeState::kLocal || moving(tree)) {
            continue;
        }
        const auto users = users_of(tree);
        if (!users.empty()) {
            start_move(index, users.front());
        }
    }
}

void LockManager::Impl::check_drained() {
    if (draining && !drained && mastered == 0 && moves.empty()) {
        drained = true;
        out->push_back(Drained{});
    }
}

}  // namespace quorate::lockmgr
