#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "message.hpp"

namespace quorate::lockmgr {

// Who waits for whom, as far as a search has been told: a waiting lock cannot be granted because of
// blockers, and a blocker stays as long as its owner waits for something else. Built answer by
// answer (learn), then asked for its cycles.
class WaitGraph {
public:
    struct Waiter {
        NodeId node;
        std::uint64_t xid = 0;
        SeenMessage::Waiter what;
        std::uint32_t set = 0;             // of holders in its way, from 1; 0: not told
        std::vector<std::uint32_t> ahead;  // blockers: requests before it
    };
    struct Obstacle {
        Blocker name;
        bool stands = false;  // its owner says so
        LockMode granted = LockMode::NL;
        std::vector<std::uint32_t> waiters;  // of its owner
    };
    // waiter, what blocks it, whose owner waits with the next one; the first is the victim.
    struct Step {
        std::uint32_t waiter = 0;
        std::uint32_t obstacle = 0;
    };
    using Cycle = std::vector<Step>;

    std::uint32_t add(NodeId node, std::uint64_t xid, const SeenMessage::Waiter& waiter);
    // What `node` answered, as a master and as an owner.
    void learn(NodeId node, const SeenMessage& seen);
    void clear() { *this = WaitGraph{}; }

    const Waiter& waiter(std::uint32_t index) const { return waiters_[index]; }
    const Obstacle& obstacle(std::uint32_t index) const { return obstacles_[index]; }
    std::size_t size() const { return waiters_.size() + obstacles_.size(); }

    // Found since the last call, not asked about yet.
    std::vector<std::uint32_t> fresh_waiters() { return std::exchange(fresh_waiters_, {}); }
    std::vector<std::uint32_t> fresh_obstacles() { return std::exchange(fresh_obstacles_, {}); }

    // A cycle per victim. Whoever sees the same graph names the same victims: in the order of
    // (priority, time waited, node, lock), each that is on a cycle without those before it; cycles
    // of holders before those in which somebody waits for an earlier request.
    std::vector<Cycle> cycles() const;
    // Whether all of a cycle of `other` stands here too.
    bool confirms(const WaitGraph& other, const Cycle& cycle) const;

private:
    struct Set {
        LockMode requested = LockMode::NL;
        LockMode alternative = LockMode::NL;
        std::vector<std::uint32_t> holders;
    };
    using WaiterKey = std::tuple<NodeId, LockId, std::uint32_t>;
    using ObstacleKey = std::tuple<NodeId, LockId, std::uint64_t, std::uint32_t>;
    friend class CycleSearch;

    std::uint32_t obstacle_of(const Blocker& blocker);
    bool holds_up(const Set& set, const Obstacle& holder) const {
        return holder.stands && !compatible(set.requested, holder.granted) &&
               !compatible(set.alternative, holder.granted);
    }
    bool own(const Waiter& waiter, const Obstacle& obstacle) const {
        return waiter.node == obstacle.name.node && waiter.what.lock == obstacle.name.lock;
    }

    std::vector<Waiter> waiters_;
    std::vector<Obstacle> obstacles_;
    std::vector<Set> sets_;
    std::map<WaiterKey, std::uint32_t> waiter_index_;
    std::map<ObstacleKey, std::uint32_t> obstacle_index_;
    std::vector<std::uint32_t> fresh_waiters_;
    std::vector<std::uint32_t> fresh_obstacles_;
};

}  // namespace quorate::lockmgr
