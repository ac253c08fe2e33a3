#pragma once

#include <cstdint>
#include <vector>

#include "store.hpp"

namespace quorate::lockmgr {

// What became of a lock because of somebody else's operation.
struct Effect {
    enum class Kind : std::uint8_t {
        kGranted,   // a queued request or conversion
        kBlocking,  // tell the holder: `by` waits for `mode`
    } kind{};
    LockMode mode = LockMode::NL;
    std::uint32_t lock = 0;
    std::uint32_t by = 0;
};

// The rules of one resource's queues (Davis 6-3 to 6-15; Linux fs/dlm for what it added), for trees
// mastered here. Knows neither nodes nor clients. After each call the caller carries out `effects`
// in order and clears them; the outcome of the operation itself comes before them.
class Engine {
public:
    enum class Outcome : std::uint8_t { kGranted, kQueued, kNotQueued, kDeadlock };

    explicit Engine(Store& store) : store_(store) {}

    std::vector<Effect> effects;
    std::uint32_t opponent = 0;  // of the last kDeadlock: whose conversion waits for this lock

    // A new lock on no queue, with requested, flags and value set.
    Outcome request(std::uint32_t lock);
    // A granted lock with requested, flags and value set.
    Outcome convert(std::uint32_t lock);
    // Ends a waiting request or a conversion; false if nothing was pending.
    bool cancel(std::uint32_t lock);
    // Takes the lock off whatever queue; `block` is what an unlock with VALBLK writes. The record
    // stays.
    void release(std::uint32_t lock, std::uint32_t flags, const ValueBlock* block);
    // Grants what can be granted, and reports what still blocks.
    void pass(std::uint32_t resource);
    // Reports anew who waits for a granted lock: its owner has not heard of the grant before.
    void remind(std::uint32_t lock);
    // A lock goes to the end of a queue as it stands, from another master or a rebuild; no pass.
    void restore(std::uint32_t lock, Queue which);

    // ---- what forbids grants

    // Quorum. Turning it on again runs the passes that were due.
    void enable(bool grants);
    bool enabled() const { return enabled_; }
    // No tree with Tree::haunt above this is granted anything.
    void exorcise(std::uint32_t below) { exorcised_ = below; }
    bool haunted(const Tree& tree) const { return tree.haunt > exorcised_; }
    static LockMode alternative_of(const Lock& lock) {
        return (lock.flags & flag::ALTPR) != 0   ? LockMode::PR
               : (lock.flags & flag::ALTCW) != 0 ? LockMode::CW
                                                 : lock.requested;
    }
    // What a conversion leads to from CW to PR or from PR to CW: if not as it was asked, then in
    // its alternative. Neither: what it is held in.
    static LockMode middle_of(const Lock& lock) {
        const bool raises = lock.has_granted && !conflicts_no_more(lock.granted, lock.requested);
        for (const auto mode : {lock.requested, alternative_of(lock)}) {
            if (raises && middle_conversion(lock.granted, mode)) {
                return mode;
            }
        }
        return lock.granted;
    }
    // A conversion that a lost master may have answered by taking the old mode away: it granted one
    // between CW and PR, or demoted one with CONVDEADLK.
    static bool may_have_lost_mode(const Lock& lock) {
        const bool demotable = (lock.flags & flag::CONVDEADLK) != 0 &&
                               lock.granted != LockMode::NL && lock.granted != lock.requested;
        return lock.has_granted && (demotable || middle_of(lock) != lock.granted);
    }
    // Then a lost life may hold what cannot stand beside the old mode. Until that is over nobody
    // gets the old mode back.
    bool undecided(const Lock& lock) const {
        return may_have_lost_mode(lock) &&
               haunted(store_.trees[store_.resources[lock.resource].tree]);
    }
    // Tokens of this epoch are above those of all before.
    void set_token_base(std::uint64_t base) { token_base_ = base; }
    std::uint64_t next_token(Tree& tree) const {
        tree.token = (tree.token < token_base_ ? token_base_ : tree.token) + 1;
        return tree.token;
    }

    // ---- questions

    // Beside all others that are held?
    bool stands(std::uint32_t index) const {
        const auto& lock = store_.locks[index];
        return free_for(store_.resources[lock.resource], lock, lock.granted);
    }
    // Does the granted mode of `holder` keep `waiter` from what it asks?
    bool holds_up(const Lock& holder, const Lock& waiter) const {
        return holder.has_granted && &holder != &waiter &&
               !compatible(waiter.requested, holder.granted);
    }

private:
    bool free_for(const Resource& resource, const Lock& lock, LockMode mode) const;
    bool grantable(const Resource& resource, std::uint32_t index, LockMode mode, bool now) const;
    bool may_grant(const Resource& resource, const Lock& lock, LockMode mode) const;
    // Grants if it can be, in the alternative mode if need be.
    bool try_grant(std::uint32_t index, bool now);
    void grant(std::uint32_t index, LockMode mode);
    void apply_value(Resource& resource, Lock& lock, LockMode mode);
    void write_value(Resource& resource, Lock* lock, std::uint32_t flags, const ValueBlock& block);
    void enqueue(std::uint32_t index, Queue which);
    std::uint32_t conversion_deadlock(const Resource& resource, const Lock& lock) const;
    void notify_about(std::uint32_t blocked, bool converting_too);
    void notify_all(std::uint32_t resource);
    bool must_notify(const Lock& holder, LockMode blocked) const;
    void notify(std::uint32_t holder, LockMode mode, std::uint32_t by);
    bool pass_converting(std::uint32_t resource);
    void mark_dirty(std::uint32_t resource);

    Store& store_;
    std::vector<std::uint32_t> dirty_;
    std::uint64_t token_base_ = 0;
    std::uint32_t exorcised_ = 0;
    bool enabled_ = true;
};

}  // namespace quorate::lockmgr
