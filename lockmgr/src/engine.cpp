#include "engine.hpp"

#include <utility>

#include "mutation.hpp"

namespace quorate::lockmgr {

// ---- the decision

// Rules 2 and 3: whether no other lock is held in a conflicting mode, by counts.
bool Engine::free_for(const Resource& resource, const Lock& lock, LockMode mode) const {
    for (std::size_t held = 0; held < kModes; ++held) {
        if (compatible(mode, mode_of(held))) {
            continue;
        }
        const bool own = lock.has_granted && index_of(lock.granted) == held;
        if (resource.held[held] > (own ? 1U : 0U)) {
            return false;
        }
    }
    return true;
}

bool Engine::grantable(const Resource& resource, std::uint32_t index, LockMode mode,
                       bool now) const {
    const auto& lock = store_.locks[index];
    const bool conversion = lock.has_granted;
    if ((lock.flags & flag::EXPEDITE) != 0) {
        return true;
    }
    if (!free_for(resource, lock, mode)) {
        return false;
    }
    const auto converting = resource.queue(Queue::kConverting).head;
    const auto waiting = resource.queue(Queue::kWaiting).head;
    if ((lock.flags & flag::NOORDER) != 0) {
        return true;
    }
    // Else it would be queued, and be the first.
    const bool first = now && (lock.flags & flag::HEADQUE) != 0;
    if (now && conversion) {
        return (lock.flags & flag::QUECVT) == 0 || converting == 0 || first ||
               mutated("quecvt_overtakes");
    }
    if (now) {
        return (converting == 0 && (waiting == 0 || first)) || mutated("overtake_waiting");
    }
    return conversion ? converting == index
                      : converting == 0 && (waiting == index || mutated("grant_any_waiter"));
}

// What conflicts with nothing is granted even while grants are forbidden.
bool Engine::may_grant(const Resource& resource, const Lock& lock, LockMode mode) const {
    if (lock.has_granted ? conflicts_no_more(lock.granted, mode)
                         : mode == LockMode::NL && enabled_) {
        return true;
    }
    return enabled_ && (!haunted(store_.trees[resource.tree]) || mutated("grant_before_takeover"));
}

bool Engine::try_grant(std::uint32_t index, bool now) {
    const auto& lock = store_.locks[index];
    const auto& resource = store_.resources[lock.resource];
    if (may_grant(resource, lock, lock.requested) &&
        grantable(resource, index, lock.requested, now)) {
        grant(index, lock.requested);
        return true;
    }
    const auto alternative = alternative_of(lock);
    if (alternative != lock.requested && may_grant(resource, lock, alternative) &&
        grantable(resource, index, alternative, now)) {
        grant(index, alternative);
        store_.locks[index].altered = true;
        return true;
    }
    return false;
}

void Engine::grant(std::uint32_t index, LockMode mode) {
    auto& lock = store_.locks[index];
    auto& resource = store_.resources[lock.resource];
    apply_value(resource, lock, mode);
    const bool raises = !lock.has_granted || !conflicts_no_more(lock.granted, mode);
    if (lock.has_granted) {
        --resource.held[index_of(lock.granted)];
    }
    ++resource.held[index_of(mode)];
    lock.granted = mode;
    lock.has_granted = true;
    lock.highbast = LockMode::NL;
    lock.altered = false;
    if (lock.queue != Queue::kGranted) {
        store_.unlink(index);
        store_.push_back(index, Queue::kGranted);
    }
    resource.notified = LockMode::NL;
    if (raises) {
        auto& tree = store_.trees[resource.tree];
        lock.token = mutated("repeat_token") ? tree.token : next_token(tree);
    }
}

// ---- value blocks

void Engine::write_value(Resource& resource, Lock* lock, std::uint32_t flags,
                         const ValueBlock& block) {
    if ((flags & flag::IVVALBLK) != 0) {
        auto& value = store_.value_of(resource);
        value.invalid = true;
        ++value.seq;
        return;
    }
    if ((flags & flag::VALBLK) == 0) {
        return;
    }
    auto& value = store_.value_of(resource);
    value.write(block, flags);
    value.invalid = false;
    ++value.seq;
    if (lock != nullptr) {
        auto& copy = store_.value_of(*lock);
        copy.block = value.block;
        copy.seq = value.seq;
    }
}

// At the moment of the grant: the block is returned or written. Who asked to read, from PW for EX,
// and is granted the alternative has brought nothing to write, and was not asked for the right to.
void Engine::apply_value(Resource& resource, Lock& lock, LockMode mode) {
    const auto asked =
        lock.has_granted ? value_effect(lock.granted, lock.requested) : ValueEffect::kRead;
    const auto granted = lock.has_granted ? value_effect(lock.granted, mode) : ValueEffect::kRead;
    const bool asked_to_read = granted == ValueEffect::kWrite && asked == ValueEffect::kRead;
    const auto effect = asked_to_read ? ValueEffect::kRead : granted;
    lock.read_value = lock.read_invalid = false;
    if (effect == ValueEffect::kWrite) {
        static constexpr ValueBlock kZero{};
        write_value(resource, lock.value != 0 ? &lock : nullptr, lock.flags,
                    lock.value != 0 ? store_.values[lock.value].block : kZero);
    } else if (effect == ValueEffect::kRead && (lock.flags & flag::VALBLK) != 0) {
        auto& copy = store_.value_of(lock);
        lock.read_value = true;
        if (resource.value != 0) {
            const auto& value = store_.values[resource.value];
            copy.block = value.block;
            copy.seq = value.seq;
            lock.read_invalid = value.invalid;
        } else {
            copy = Value{};
        }
    }
    if (lock.value != 0) {
        auto& copy = store_.values[lock.value];
        copy.seen = resource.value != 0 ? store_.values[resource.value].seq : 0;
        copy.invalid = resource.value != 0 && store_.values[resource.value].invalid;
    }
}

// ---- operations

void Engine::enqueue(std::uint32_t index, Queue which) {
    auto& lock = store_.locks[index];
    auto& tree = store_.tree_of(lock);
    store_.unlink(index);
    if ((lock.flags & flag::HEADQUE) != 0) {
        lock.order = --tree.head;
        store_.push_front(index, which);
    } else {
        lock.order = ++tree.tail;
        store_.push_back(index, which);
    }
    if (!enabled_ || haunted(tree)) {
        mark_dirty(lock.resource);
    }
}

Engine::Outcome Engine::request(std::uint32_t index) {
    auto& asked = store_.resources[store_.locks[index].resource];
    if (asked.value == 0 && haunted(store_.trees[asked.tree])) {
        // A lost life may hold it, and may have written.
        auto& value = store_.value_of(asked);
        value.invalid = true;
        value.seq = 1;
    }
    if (try_grant(index, /*now=*/true)) {
        if (store_.resources[store_.locks[index].resource].blocked()) {
            pass(store_.locks[index].resource);
        }
        return Outcome::kGranted;
    }
    const auto& lock = store_.locks[index];
    if ((lock.flags & flag::NOQUEUE) != 0) {
        if ((lock.flags & flag::NOQUEUEBAST) != 0) {
            notify_about(index, /*converting_too=*/true);
        }
        return Outcome::kNotQueued;
    }
    enqueue(index, Queue::kWaiting);
    notify_about(index, /*converting_too=*/false);
    return Outcome::kQueued;
}

// The newcomer is the victim if a conversion queued before it waits for what it holds: that one.
std::uint32_t Engine::conversion_deadlock(const Resource& resource, const Lock& lock) const {
    for (auto other = resource.queue(Queue::kConverting).head; other != 0;
         other = store_.locks[other].next) {
        if (!compatible(store_.locks[other].requested, lock.granted) &&
            &store_.locks[other] != &lock) {
            return mutated("ignore_conversion_deadlock") ? 0 : other;
        }
    }
    return 0;
}

Engine::Outcome Engine::convert(std::uint32_t index) {
    auto& lock = store_.locks[index];
    const auto resource = lock.resource;
    if (try_grant(index, /*now=*/true)) {
        if (store_.resources[resource].blocked()) {
            pass(resource);
        }
        return Outcome::kGranted;
    }
    const bool refusable = !undecided(lock) || mutated("refuse_undecided");
    if ((lock.flags & flag::NOQUEUE) != 0 && refusable) {
        if ((lock.flags & flag::NOQUEUEBAST) != 0) {
            notify_about(index, /*converting_too=*/true);
        }
        return Outcome::kNotQueued;
    }
    bool warn_itself = false;
    bool demote = false;
    opponent = conversion_deadlock(store_.resources[resource], lock);
    if (opponent != 0) {
        demote = (lock.flags & flag::CONVDEADLK) != 0;
        warn_itself = !demote && (lock.flags & flag::NODLCKWT) != 0;
        if (!demote && !warn_itself && refusable) {
            return Outcome::kDeadlock;
        }
    }
    if (demote) {
        auto& held = store_.resources[resource].held;
        --held[index_of(lock.granted)];
        ++held[index_of(LockMode::NL)];
        lock.granted = LockMode::NL;
        lock.demoted = true;
    }
    enqueue(index, Queue::kConverting);
    if (warn_itself) {
        notify(index, lock.requested, index);
    }
    notify_about(index, /*converting_too=*/false);
    if (demote) {
        pass(resource);
    }
    return Outcome::kQueued;
}

bool Engine::cancel(std::uint32_t index) {
    auto& lock = store_.locks[index];
    if (lock.queue == Queue::kWaiting) {
        store_.unlink(index);
    } else if (lock.queue == Queue::kConverting) {
        store_.unlink(index);
        store_.push_back(index, Queue::kGranted);
        lock.requested = lock.granted;
        store_.resources[lock.resource].notified = LockMode::NL;
    } else {
        return false;
    }
    pass(lock.resource);
    return true;
}

void Engine::release(std::uint32_t index, std::uint32_t flags, const ValueBlock* block) {
    auto& lock = store_.locks[index];
    auto& resource = store_.resources[lock.resource];
    if (lock.has_granted) {
        if (writes_value(lock.granted)) {
            static constexpr ValueBlock kZero{};
            const auto use = block == nullptr ? flags & ~flag::VALBLK : flags;
            write_value(resource, nullptr, use, block == nullptr ? kZero : *block);
        }
        --resource.held[index_of(lock.granted)];
        lock.has_granted = false;
    }
    store_.unlink(index);
    if (resource.blocked()) {
        pass(lock.resource);
    }
}

void Engine::restore(std::uint32_t index, Queue which) {
    auto& lock = store_.locks[index];
    auto& resource = store_.resources[lock.resource];
    auto& tree = store_.trees[resource.tree];
    store_.unlink(index);
    store_.push_back(index, which);
    lock.has_granted = which != Queue::kWaiting;
    if (lock.has_granted) {
        ++resource.held[index_of(lock.granted)];
    }
    tree.tail = std::max(tree.tail, lock.order);
    tree.head = std::min(tree.head, lock.order);
    resource.notified = LockMode::NL;
    mark_dirty(lock.resource);
}

// ---- the pass

// One round over CONVERTING; true if something was granted.
bool Engine::pass_converting(std::uint32_t resource) {
    for (auto at = store_.resources[resource].queue(Queue::kConverting).head; at != 0;
         at = store_.locks[at].next) {
        if (try_grant(at, /*now=*/false)) {
            effects.push_back({Effect::Kind::kGranted, store_.locks[at].granted, at, 0});
            return true;
        }
    }
    return false;
}

void Engine::pass(std::uint32_t index) {
    auto& resource = store_.resources[index];
    if (!resource.blocked()) {
        return;
    }
    while (pass_converting(index)) {
    }
    for (auto at = resource.queue(Queue::kWaiting).head; at != 0;) {
        const auto next = store_.locks[at].next;
        if (try_grant(at, /*now=*/false)) {
            effects.push_back({Effect::Kind::kGranted, store_.locks[at].granted, at, 0});
        }
        at = next;
    }
    if (resource.blocked()) {
        notify_all(index);
        if (!enabled_ || haunted(store_.trees[resource.tree])) {
            mark_dirty(index);
        }
    }
}

void Engine::mark_dirty(std::uint32_t resource) {
    if (!std::exchange(store_.resources[resource].dirty, true)) {
        dirty_.push_back(resource);
    }
}

void Engine::enable(bool grants) {
    enabled_ = grants;
    if (!grants) {
        return;
    }
    for (const auto resource : std::exchange(dirty_, {})) {
        // Erased and used anew: then a pass too many.
        if (store_.resources[resource].dirty) {
            store_.resources[resource].dirty = false;
            pass(resource);
        }
    }
}

// ---- blocking events

// A conflict of PR and CW is reported every time, since neither outranks the other.
bool Engine::must_notify(const Lock& holder, LockMode blocked) const {
    const bool peers = (holder.granted == LockMode::PR && blocked == LockMode::CW) ||
                       (holder.granted == LockMode::CW && blocked == LockMode::PR);
    if (peers) {
        return holder.highbast < LockMode::EX;
    }
    return holder.highbast < blocked && !compatible(blocked, holder.granted);
}

void Engine::notify(std::uint32_t holder, LockMode mode, std::uint32_t by) {
    if ((store_.locks[holder].flags & flag::BLOCKING) != 0) {
        effects.push_back({Effect::Kind::kBlocking, mode, holder, by});
    }
}

void Engine::notify_about(std::uint32_t blocked, bool converting_too) {
    const auto mode = store_.locks[blocked].requested;
    auto& resource = store_.resources[store_.locks[blocked].resource];
    const bool peers = mode == LockMode::PR || mode == LockMode::CW;
    if (mode <= resource.notified && !peers && !converting_too) {
        return;
    }
    for (const auto which : {Queue::kGranted, Queue::kConverting}) {
        if (which == Queue::kConverting && !converting_too) {
            break;
        }
        for (auto at = resource.queue(which).head; at != 0; at = store_.locks[at].next) {
            auto& holder = store_.locks[at];
            if (at != blocked && must_notify(holder, mode) && !mutated("no_blocking_event")) {
                notify(at, mode, blocked);
                holder.highbast = std::max(holder.highbast, mode);
            }
        }
    }
    // A conversion that is refused stands in the way itself, and has not been told.
    if (!converting_too) {
        resource.notified = std::max(resource.notified, mode);
    }
}

void Engine::remind(std::uint32_t index) {
    auto& lock = store_.locks[index];
    auto& resource = store_.resources[lock.resource];
    lock.highbast = LockMode::NL;
    resource.notified = LockMode::NL;
    if (resource.blocked()) {
        notify_all(lock.resource);
    }
}

// After a pass that left somebody blocked: a lock just granted may stand in the way already.
void Engine::notify_all(std::uint32_t index) {
    auto& resource = store_.resources[index];
    std::uint32_t worst = 0;
    std::uint32_t concurrent = 0;  // wants CW
    for (const auto which : {Queue::kConverting, Queue::kWaiting}) {
        for (auto at = resource.queue(which).head; at != 0; at = store_.locks[at].next) {
            const auto mode = store_.locks[at].requested;
            if (worst == 0 || mode > store_.locks[worst].requested) {
                worst = at;
            }
            concurrent = concurrent == 0 && mode == LockMode::CW ? at : concurrent;
            if (mode == LockMode::EX) {
                break;
            }
        }
    }
    const auto high = store_.locks[worst].requested;
    if (high <= resource.notified) {
        return;
    }
    for (auto at = resource.queue(Queue::kGranted).head; at != 0; at = store_.locks[at].next) {
        auto& holder = store_.locks[at];
        if (at != worst && holder.highbast < high && !compatible(high, holder.granted)) {
            notify(at, high, worst);
            holder.highbast = high;
        } else if (concurrent != 0 && holder.granted == LockMode::PR &&
                   holder.highbast < LockMode::CW) {
            notify(at, LockMode::CW, concurrent);
            holder.highbast = std::max(holder.highbast, LockMode::CW);
        }
    }
    resource.notified = high;
}

}  // namespace quorate::lockmgr
