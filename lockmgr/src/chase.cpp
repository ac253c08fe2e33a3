#include "manager.hpp"

// Multi-resource deadlocks. A node whose clients have waited longer than deadlock_wait follows the
// edges from their locks to what blocks them and on to what the blockers' owners wait for, until
// nothing new is found. All that is asked of one peer at one step is one message, every edge is
// asked once per search however many wait for it, and a node has one search at a time: many who
// wait cost each other nothing.
//
// The edges were not seen at one moment, so before anybody is killed every part of the cycle is
// looked at again: the waiting lock at its master, the blocker and what its owner waits for at the
// owner, where its release begins. Each part is named by its operation or grant. What was there
// twice was there all the time between, and all of it was there when the first look ended: the
// cycle is real.
//
// Everybody who sees a cycle names the same victim (chase_graph.hpp); the victim's node acts.
namespace quorate::lockmgr {
namespace {

constexpr std::size_t kAskMax = 1000;            // names per message
constexpr std::size_t kSetMax = 20'000;          // holders told of one resource
constexpr std::size_t kGraphMax = 200'000;       // what a search goes on to
constexpr std::int64_t kPauseMax = 1600;         // milliseconds between searches, while any waits
constexpr std::int64_t kPatience = 5000;         // for answers
constexpr std::size_t kSeenPerMillisecond = 10;  // bounds what searches may cost

}  // namespace

std::uint32_t LockManager::Impl::lock_of(NodeId node, LockId id) {
    const auto party = party_of(node);
    return party == kSelf ? store.index_of(id)
           : party == 0   ? 0
                          : store.find_remote(party, id.value());
}

// ---- when

void LockManager::Impl::want_search() {
    auto& search = searching;
    search.pause = options.deadlock_wait.count();
    const auto soon = std::max(ms(), search.earliest);
    search.next = search.next == 0 ? soon : std::min(search.next, soon);
}

void LockManager::Impl::run_search() {
    auto& search = searching;
    if (search.stage != Search::Stage::kIdle && ms() - search.started > kPatience) {
        end_search(/*found=*/false);
    }
    if (search.stage == Search::Stage::kIdle && search.next != 0 && search.next <= ms() &&
        !frozen) {
        begin_search();
    }
}

void LockManager::Impl::begin_search() {
    auto& search = searching;
    search.stage = Search::Stage::kLooking;
    search.started = ms();
    search.next = 0;
    ++search.round;
    search.first.clear();
    std::erase_if(verdicts, [&](const auto& one) {
        const auto lock = store.index_of(one.first);
        return lock == 0 || store.locks[lock].op != one.second.op ||
               store.locks[lock].pending == Pending::kNone;
    });
    bool any = false;
    for (std::uint32_t client = 1; client < clients.size(); ++client) {
        for (auto at = clients[client].last; at != 0; at = store.locks[at].owner_prev) {
            const auto& lock = store.locks[at];
            if (lock.pending == Pending::kNone) {
                break;
            }
            any = true;
            if (lock.pending == Pending::kQueued && (lock.flags & flag::NODLCKWT) == 0) {
                search.first.add(self(), lock.xid, waiter_info(at));
            }
        }
    }
    if (!any) {
        search.stage = Search::Stage::kIdle;
    } else if (search.first.size() == 0) {
        end_search(/*found=*/false);  // what waits has no master now
    } else {
        look_further();
    }
}

void LockManager::Impl::end_search(bool found) {
    auto& search = searching;
    const auto cost = static_cast<std::int64_t>(search.first.size() / kSeenPerMillisecond);
    search.stage = Search::Stage::kIdle;
    search.earliest = search.started + std::max(options.deadlock_wait.count(), cost);
    search.pause = found ? options.deadlock_wait.count() : std::min(search.pause * 2, kPauseMax);
    const auto next = std::max(search.earliest, ms() + search.pause);
    search.next = search.next == 0 ? next : std::min(std::max(search.next, search.earliest), next);
    search.first.clear();
    search.second.clear();
    search.cycles.clear();
}

// ---- asking

void LockManager::Impl::ask(const std::vector<std::uint32_t>& waiters,
                            const std::vector<std::uint32_t>& obstacles) {
    auto& search = searching;
    std::map<std::uint32_t, std::vector<LookMessage>> looks;
    const auto look_at = [&](std::uint32_t party) -> LookMessage& {
        auto& parts = looks[party];
        if (parts.empty() ||
            parts.back().waiters.size() + parts.back().blockers.size() >= kAskMax) {
            parts.emplace_back().round = search.round;
        }
        return parts.back();
    };
    for (const auto index : waiters) {
        const auto& waiter = search.first.waiter(index);
        if (const auto master = party_of(waiter.what.master); master != 0) {
            look_at(master).waiters.push_back({waiter.node, waiter.what.lock, waiter.what.op});
        }
    }
    for (const auto index : obstacles) {
        const auto& name = search.first.obstacle(index).name;
        if (const auto owner = party_of(name.node); owner != 0) {
            look_at(owner).blockers.push_back(name);
        }
    }
    for (const auto& [party, parts] : looks) {
        search.awaited += parts.size();
        for (const auto& part : parts) {
            send(party, part);
        }
    }
}

void LockManager::Impl::look_further() {
    auto& search = searching;
    if (search.first.size() < kGraphMax) {
        const auto waiters = search.first.fresh_waiters();
        ask(waiters, search.first.fresh_obstacles());
    }
    if (search.awaited == 0) {
        look_again();
    }
}

// Nothing new: what was found is asked about once more, if its victim is here.
void LockManager::Impl::look_again() {
    auto& search = searching;
    std::set<NodeId> others;
    std::set<std::uint32_t> waiters;
    std::set<std::uint32_t> obstacles;
    for (auto& cycle : search.first.cycles()) {
        const auto victim = search.first.waiter(cycle.front().waiter).node;
        if (victim != self()) {
            others.insert(victim);
            continue;
        }
        for (const auto& step : cycle) {
            waiters.insert(step.waiter);
            obstacles.insert(step.obstacle);
        }
        search.cycles.push_back(std::move(cycle));
    }
    for (const auto node : others) {
        send(party_of(node), NudgeMessage{});
    }
    if (search.cycles.empty()) {
        end_search(/*found=*/!others.empty());
        return;
    }
    search.stage = Search::Stage::kConfirming;
    ++search.round;
    search.second.clear();
    if (mutated("kill_unconfirmed")) {
        search.second = search.first;
    }
    for (const auto index : waiters) {
        const auto& waiter = search.first.waiter(index);
        search.second.add(waiter.node, waiter.xid, waiter.what);
    }
    ask({waiters.begin(), waiters.end()}, {obstacles.begin(), obstacles.end()});
}

void LockManager::Impl::handle(std::uint32_t from, SeenMessage& m) {
    auto& search = searching;
    if (message_issued != epoch() || m.round != search.round || search.awaited == 0) {
        return;
    }
    const bool first = search.stage == Search::Stage::kLooking;
    (first ? search.first : search.second).learn(node_of(from), m);
    if (--search.awaited != 0) {
        return;
    }
    if (first) {
        look_further();
        return;
    }
    for (const auto& cycle : search.cycles) {
        if (search.second.confirms(search.first, cycle)) {
            kill(cycle);
        }
    }
    end_search(/*found=*/true);
}

void LockManager::Impl::handle(std::uint32_t, NudgeMessage&) { want_search(); }

// ---- answering

Blocker LockManager::Impl::blocker_of(std::uint32_t index, bool holds) const {
    const auto& lock = store.locks[index];
    return {node_of(lock.party), store.owner_id_of(index), holds ? lock.token : 0,
            holds ? 0 : lock.op};
}

SeenMessage::Waiter LockManager::Impl::waiter_info(std::uint32_t index) const {
    const auto& lock = store.locks[index];
    const auto& tree = store.trees[store.resources[lock.resource].tree];
    const bool known = tree.state == TreeState::kLocal || tree.state == TreeState::kRemote;
    SeenMessage::Waiter info;
    info.lock = store.id_of(index);
    info.op = lock.op;
    info.pid = lock.pid;
    info.priority = lock.priority;
    info.since = lock.since + ahead;
    info.requested = lock.requested;
    info.master = known ? node_of(tree.master) : NodeId(0);
    info.resource = printable_key(store.root_key_of(tree));
    return info;
}

void LockManager::Impl::handle(std::uint32_t from, LookMessage& m) {
    if (message_issued != epoch()) {
        return;  // whoever still waits searches again
    }
    Sight sight;
    sight.seen.round = m.round;
    for (const auto& name : m.waiters) {
        see_waiter(name, sight);
    }
    for (const auto& blocker : m.blockers) {
        see_blocker(blocker, sight);
    }
    send(from, sight.seen);
}

// As its master.
void LockManager::Impl::see_waiter(const LookMessage::Name& name, Sight& sight) {
    const auto index = lock_of(name.node, name.lock);
    if (index == 0) {
        return;
    }
    const auto& lock = store.locks[index];
    const auto& resource = store.resources[lock.resource];
    if (lock.op != name.op || store.trees[resource.tree].state != TreeState::kLocal ||
        (lock.queue != Queue::kWaiting && lock.queue != Queue::kConverting)) {
        return;
    }
    SeenMessage::Waits waits;
    waits.waiter = name;
    waits.set = see_holders(lock, sight);
    // The one before it in its queue waits for those before itself in turn.
    bool conversions = lock.queue == Queue::kConverting;
    for (auto before = store.before(lock); (lock.flags & flag::NOORDER) == 0;
         before = store.before(store.locks[before])) {
        if (before == 0 && !std::exchange(conversions, true)) {
            before = store.last(resource, Queue::kConverting);
        }
        if (before == 0) {
            break;
        }
        waits.ahead.push_back(blocker_of(before, /*holds=*/false));
        if ((store.locks[before].flags & flag::NODLCKWT) == 0) {
            break;
        }
    }
    sight.seen.waits.push_back(std::move(waits));
}

// The same for all who ask for this mode here: told once.
std::uint32_t LockManager::Impl::see_holders(const Lock& lock, Sight& sight) const {
    const auto alternative = Engine::alternative_of(lock);
    const auto [known, fresh] =
        sight.sets.try_emplace(std::tuple(lock.resource, lock.requested, alternative),
                               static_cast<std::uint32_t>(sight.seen.sets.size()));
    if (!fresh) {
        return known->second;
    }
    const auto& resource = store.resources[lock.resource];
    auto& set = sight.seen.sets.emplace_back();
    set.requested = lock.requested;
    set.alternative = alternative;
    for (const auto which : {Queue::kGranted, Queue::kConverting}) {
        for (auto at = resource.queue(which).head; at != 0 && set.holders.size() < kSetMax;
             at = store.locks[at].next) {
            const auto& holder = store.locks[at];
            if (!compatible(lock.requested, holder.granted) &&
                !compatible(alternative, holder.granted) && (holder.flags & flag::NODLCKBLK) == 0) {
                set.holders.push_back(blocker_of(at, /*holds=*/true));
            }
        }
    }
    return known->second;
}

// As its owner's node.
void LockManager::Impl::see_blocker(const Blocker& blocker, Sight& sight) {
    const auto index = blocker.node == self() ? store.index_of(blocker.lock) : 0U;
    if (index == 0) {
        return;
    }
    const auto& lock = store.locks[index];
    const bool there = blocker.op == 0 ? lock.has_granted && lock.token == blocker.token
                                       : lock.op == blocker.op && lock.pending == Pending::kQueued;
    if (!there || lock.client == 0 || lock.party != kSelf) {
        return;
    }
    const auto [known, fresh] = sight.owners.try_emplace(
        std::pair(lock.client, lock.xid), static_cast<std::uint32_t>(sight.seen.owners.size()));
    if (fresh) {
        see_owner(lock, sight.seen.owners.emplace_back());
    }
    if (!sight.seen.owners[known->second].waiters.empty()) {  // else it will give way
        sight.seen.stands.push_back({blocker, lock.granted, known->second});
    }
}

// What the lock's owner waits for.
void LockManager::Impl::see_owner(const Lock& of, SeenMessage::Owner& owner) const {
    owner.xid = of.xid;
    for (auto at = clients[of.client].last; at != 0; at = store.locks[at].owner_prev) {
        const auto& lock = store.locks[at];
        if (lock.pending == Pending::kNone) {
            break;
        }
        if (lock.pending == Pending::kQueued && lock.xid == of.xid &&
            (lock.flags & flag::NODLCKWT) == 0) {
            owner.waiters.push_back(waiter_info(at));
        }
    }
}

// ---- the end of the victim

void LockManager::Impl::kill(const WaitGraph::Cycle& cycle) {
    const auto& graph = searching.first;
    const auto& victim = graph.waiter(cycle.front().waiter).what;
    const auto index = store.index_of(victim.lock);
    if (index == 0 || store.locks[index].op != victim.op ||
        store.locks[index].pending != Pending::kQueued) {
        return;
    }
    std::vector<CycleEntry> told;
    for (const auto& step : cycle) {
        const auto& waiter = graph.waiter(step.waiter);
        told.push_back({waiter.node, waiter.what.pid, waiter.xid, waiter.what.lock,
                        waiter.what.requested, waiter.what.resource,
                        graph.obstacle(step.obstacle).name.lock});
    }
    auto& tree = store.tree_of(store.locks[index]);
    if (tree.state == TreeState::kLocal) {
        if (!undecided(index) && engine.cancel(index)) {
            ++deadlocks;
            finish(index, LockStatus::kDeadlock, std::move(told));
            carry_out_effects();
        }
    } else if (tree.state == TreeState::kRemote) {
        verdicts[victim.lock] = {victim.op, std::move(told)};
        send(tree.master, CancelMessage{victim.lock, victim.op, LockStatus::kDeadlock});
    }
}

}  // namespace quorate::lockmgr
