#include "chase_graph.hpp"

#include <algorithm>
#include <deque>

#include "mutation.hpp"

namespace quorate::lockmgr {

// ---- what is told

std::uint32_t WaitGraph::add(NodeId node, std::uint64_t xid, const SeenMessage::Waiter& waiter) {
    const auto next = static_cast<std::uint32_t>(waiters_.size());
    const auto [it, fresh] = waiter_index_.try_emplace({node, waiter.lock, waiter.op}, next);
    if (fresh) {
        waiters_.push_back({node, xid, waiter, 0, {}});
        fresh_waiters_.push_back(next);
    }
    return it->second;
}

std::uint32_t WaitGraph::obstacle_of(const Blocker& blocker) {
    const auto next = static_cast<std::uint32_t>(obstacles_.size());
    const auto [it, fresh] =
        obstacle_index_.try_emplace({blocker.node, blocker.lock, blocker.token, blocker.op}, next);
    if (fresh) {
        obstacles_.push_back({blocker, false, LockMode::NL, {}});
        fresh_obstacles_.push_back(next);
    }
    return it->second;
}

void WaitGraph::learn(NodeId node, const SeenMessage& seen) {
    std::vector<std::vector<std::uint32_t>> owned;
    for (const auto& owner : seen.owners) {
        auto& waiters = owned.emplace_back();
        for (const auto& waiter : owner.waiters) {
            waiters.push_back(add(node, owner.xid, waiter));
        }
    }
    for (const auto& stands : seen.stands) {
        auto& obstacle = obstacles_[obstacle_of(stands.name)];
        if (stands.owner < owned.size() && stands.name.node == node) {
            obstacle.stands = true;
            obstacle.granted = stands.granted;
            obstacle.waiters = owned[stands.owner];
        }
    }
    const auto base = static_cast<std::uint32_t>(sets_.size());
    for (const auto& told : seen.sets) {
        auto& set = sets_.emplace_back();
        set.requested = told.requested;
        set.alternative = told.alternative;
        for (const auto& holder : told.holders) {
            set.holders.push_back(obstacle_of(holder));
        }
    }
    for (const auto& waits : seen.waits) {
        const auto found =
            waiter_index_.find({waits.waiter.node, waits.waiter.lock, waits.waiter.op});
        if (found == waiter_index_.end() || waits.set >= seen.sets.size()) {
            continue;
        }
        auto& waiter = waiters_[found->second];
        waiter.set = base + waits.set + 1;
        waiter.ahead.clear();
        for (const auto& ahead : waits.ahead) {
            waiter.ahead.push_back(obstacle_of(ahead));
        }
    }
}

// ---- cycles

// Vertices: waiters, then obstacles, then sets of holders, so that many who wait for the same
// holders cost no more than one.
class CycleSearch {
public:
    explicit CycleSearch(const WaitGraph& graph)
        : graph_(graph),
          first_obstacle_(static_cast<std::uint32_t>(graph.waiters_.size())),
          first_set_(first_obstacle_ + static_cast<std::uint32_t>(graph.obstacles_.size())),
          alive_(first_set_ + graph.sets_.size(), true) {}

    std::vector<WaitGraph::Cycle> run() {
        trim();
        std::vector<std::uint32_t> candidates;
        for (std::uint32_t i = 0; i < first_obstacle_; ++i) {
            if (alive_[i]) {
                candidates.push_back(i);
            }
        }
        std::ranges::sort(candidates, {}, [&](std::uint32_t i) {
            const auto& waiter = graph_.waiters_[i];
            return std::tuple(waiter.what.priority, -waiter.what.since, waiter.node,
                              waiter.what.lock);
        });
        if (mutated("kill_oldest")) {
            std::ranges::reverse(candidates);
        }
        std::vector<WaitGraph::Cycle> found;
        for (const bool queues : {false, true}) {
            for (const auto candidate : candidates) {
                if (alive_[candidate] && work_ < kWorkMax && around(candidate, queues)) {
                    found.push_back(std::move(cycle_));
                    alive_[candidate] = false;
                }
            }
        }
        return found;
    }

private:
    static constexpr std::size_t kWorkMax = 4'000'000;  // vertices looked at; the rest next time

    template <class Visit>
    void each_next(std::uint32_t vertex, bool queues, Visit visit) const {
        if (vertex < first_obstacle_) {
            const auto& waiter = graph_.waiters_[vertex];
            if (waiter.set != 0) {
                visit(first_set_ + waiter.set - 1);
            }
            for (const auto ahead : waiter.ahead) {
                if (queues && graph_.obstacles_[ahead].stands) {
                    visit(first_obstacle_ + ahead);
                }
            }
        } else if (vertex < first_set_) {
            for (const auto waiter : graph_.obstacles_[vertex - first_obstacle_].waiters) {
                visit(waiter);
            }
        } else {
            const auto& set = graph_.sets_[vertex - first_set_];
            for (const auto holder : set.holders) {
                if (graph_.holds_up(set, graph_.obstacles_[holder])) {
                    visit(first_obstacle_ + holder);
                }
            }
        }
    }

    using Lists = std::vector<std::vector<std::uint32_t>>;

    // What leads nowhere is on no cycle, nor is what nothing leads to.
    void trim() {
        const auto count = static_cast<std::uint32_t>(alive_.size());
        Lists after(count);
        Lists before(count);
        for (std::uint32_t vertex = 0; vertex < count; ++vertex) {
            each_next(vertex, /*queues=*/true, [&](std::uint32_t next) {
                after[vertex].push_back(next);
                before[next].push_back(vertex);
            });
        }
        strip(after, before);
        strip(before, after);
    }

    // Drops what has no way on, until all have.
    void strip(const Lists& onward, const Lists& back) {
        std::vector<std::size_t> ways(alive_.size());
        std::vector<std::uint32_t> ends;
        for (std::uint32_t vertex = 0; vertex < alive_.size(); ++vertex) {
            ways[vertex] = static_cast<std::size_t>(std::ranges::count_if(
                onward[vertex], [&](std::uint32_t next) { return alive_[next]; }));
            if (alive_[vertex] && ways[vertex] == 0) {
                ends.push_back(vertex);
            }
        }
        while (!ends.empty()) {
            const auto vertex = ends.back();
            ends.pop_back();
            alive_[vertex] = false;
            for (const auto earlier : back[vertex]) {
                if (alive_[earlier] && --ways[earlier] == 0) {
                    ends.push_back(earlier);
                }
            }
        }
    }

    // The shortest cycle through a waiter, into cycle_.
    bool around(std::uint32_t start, bool queues) {
        constexpr auto kNone = ~std::uint32_t{0};
        std::vector<std::uint32_t> from(alive_.size(), kNone);
        std::deque<std::uint32_t> reached{start};
        const auto& self = graph_.waiters_[start];
        bool closed = false;
        while (!reached.empty() && !closed) {
            const auto vertex = reached.front();
            reached.pop_front();
            const auto visit = [&](std::uint32_t next) {
                ++work_;
                if (closed || !alive_[next] || from[next] != kNone) {
                    return;
                }
                from[next] = vertex;
                closed = next == start;
                reached.push_back(next);
            };
            if (vertex == start) {
                leave(start, self, queues, visit, from);
            } else {
                each_next(vertex, queues, visit);
            }
        }
        if (closed) {
            collect(start, from);
        }
        return closed;
    }

    // The start does not stand in its own way, though it may in that of others of its set.
    template <class Visit>
    void leave(std::uint32_t start, const WaitGraph::Waiter& self, bool queues, Visit visit,
               std::vector<std::uint32_t>& from) {
        each_next(start, queues, [&](std::uint32_t next) {
            if (next < first_set_) {
                visit(next);
                return;
            }
            bool own = false;
            each_next(next, queues, [&](std::uint32_t holder) {
                const bool is_own = graph_.own(self, graph_.obstacles_[holder - first_obstacle_]);
                own = own || is_own;
                if (!is_own) {
                    visit(holder);
                }
            });
            if (!own) {
                from[next] = start;  // all of it was seen
            }
        });
    }

    void collect(std::uint32_t start, const std::vector<std::uint32_t>& from) {
        cycle_.clear();
        std::uint32_t obstacle = 0;
        auto at = start;
        do {
            at = from[at];
            if (at >= first_obstacle_ && at < first_set_) {
                obstacle = at - first_obstacle_;
            } else if (at < first_obstacle_) {
                cycle_.push_back({at, obstacle});
            }
        } while (at != start);
        std::ranges::reverse(cycle_);
    }

    const WaitGraph& graph_;
    std::uint32_t first_obstacle_;
    std::uint32_t first_set_;
    std::vector<bool> alive_;
    WaitGraph::Cycle cycle_;
    std::size_t work_ = 0;
};

std::vector<WaitGraph::Cycle> WaitGraph::cycles() const { return CycleSearch(*this).run(); }

bool WaitGraph::confirms(const WaitGraph& other, const Cycle& cycle) const {
    for (std::size_t i = 0; i < cycle.size(); ++i) {
        const auto& theirs = other.waiters_[cycle[i].waiter];
        const auto& blocker = other.obstacles_[cycle[i].obstacle].name;
        const auto& next = other.waiters_[cycle[(i + 1) % cycle.size()].waiter];
        const auto waiter = waiter_index_.find({theirs.node, theirs.what.lock, theirs.what.op});
        const auto obstacle =
            obstacle_index_.find({blocker.node, blocker.lock, blocker.token, blocker.op});
        const auto after = waiter_index_.find({next.node, next.what.lock, next.what.op});
        if (waiter == waiter_index_.end() || obstacle == obstacle_index_.end() ||
            after == waiter_index_.end()) {
            return false;
        }
        const auto& here = waiters_[waiter->second];
        const auto& found = obstacles_[obstacle->second];
        const bool ahead = std::ranges::find(here.ahead, obstacle->second) != here.ahead.end();
        const bool holds = here.set != 0 && holds_up(sets_[here.set - 1], found) &&
                           std::ranges::find(sets_[here.set - 1].holders, obstacle->second) !=
                               sets_[here.set - 1].holders.end();
        if (!found.stands || !(ahead || holds) || here.what.since != theirs.what.since ||
            std::ranges::find(found.waiters, after->second) == found.waiters.end()) {
            return false;
        }
    }
    return true;
}

}  // namespace quorate::lockmgr
