#include "chase_graph.hpp"

#include <gtest/gtest.h>

namespace quorate::lockmgr {
namespace {

// Owners hold one lock each and wait with others, all on node 1: what a search would be told.
class Deadlocks : public ::testing::Test {
protected:
    struct Wait {
        std::uint64_t owner = 0;
        std::uint64_t lock = 0;
        std::vector<std::uint64_t> holders{};  // owners whose lock is in the way
        std::vector<std::uint64_t> ahead{};    // waiting locks before it
        std::uint32_t priority = 0;
        std::int64_t since = 0;
        LockMode holder_mode = LockMode::EX;
    };

    static LockId held_by(std::uint64_t owner) { return LockId(1000 + owner); }
    void see(const std::vector<Wait>& waits) {
        SeenMessage seen;
        std::map<std::uint64_t, std::uint32_t> owners;
        std::map<std::uint64_t, std::uint64_t> owner_of;
        for (const auto& wait : waits) {
            owner_of[wait.lock] = wait.owner;
            const auto [it, fresh] =
                owners.try_emplace(wait.owner, static_cast<std::uint32_t>(seen.owners.size()));
            if (fresh) {
                seen.owners.push_back({wait.owner, {}});
                seen.stands.push_back({holder(wait.owner), LockMode::EX, it->second});
            }
            SeenMessage::Waiter waiter;
            waiter.lock = LockId(wait.lock);
            waiter.op = 1;
            waiter.priority = wait.priority;
            waiter.since = wait.since;
            waiter.requested = LockMode::EX;
            waiter.master = NodeId(1);
            seen.owners[it->second].waiters.push_back(waiter);
            seen.stands.push_back({earlier(wait.lock), LockMode::NL, it->second});
        }
        for (const auto& wait : waits) {
            auto& set = seen.sets.emplace_back();
            set.requested = set.alternative = LockMode::EX;
            for (const auto owner : wait.holders) {
                set.holders.push_back(holder(owner));
            }
            SeenMessage::Waits told;
            told.waiter = {NodeId(1), LockId(wait.lock), 1};
            told.set = static_cast<std::uint32_t>(seen.sets.size() - 1);
            for (const auto lock : wait.ahead) {
                told.ahead.push_back(earlier(lock));
            }
            seen.waits.push_back(told);
        }
        graph.learn(NodeId(1), seen);
    }
    static Blocker holder(std::uint64_t owner) { return {NodeId(1), held_by(owner), 5, 0}; }
    static Blocker earlier(std::uint64_t lock) { return {NodeId(1), LockId(lock), 0, 1}; }
    std::vector<std::uint64_t> victims() const {
        std::vector<std::uint64_t> found;
        for (const auto& cycle : graph.cycles()) {
            found.push_back(graph.waiter(cycle.front().waiter).what.lock.value());
        }
        return found;
    }
    WaitGraph graph;
};

using Victims = std::vector<std::uint64_t>;

TEST_F(Deadlocks, AChainIsNone) {
    see({{1, 1, {2}}, {2, 2, {3}}});
    EXPECT_EQ(victims(), Victims{});
}

TEST_F(Deadlocks, OfTwoTheOneThatBeganLastIsTheVictim) {
    see({{1, 1, {2}, {}, 0, 100}, {2, 2, {1}, {}, 0, 200}});
    EXPECT_EQ(victims(), Victims{2});
}

TEST_F(Deadlocks, TheLowestPriorityComesBeforeAge) {
    see({{1, 1, {2}, {}, 0, 100}, {2, 2, {1}, {}, 1, 200}});
    EXPECT_EQ(victims(), Victims{1});
}

TEST_F(Deadlocks, WhoHoldsWhatItWaitsForWaitsForItself) {
    see({{1, 1, {1}}});
    EXPECT_EQ(victims(), Victims{1});
}

TEST_F(Deadlocks, CyclesApartHaveAVictimEach) {
    see({{1, 1, {2}}, {2, 2, {1}}, {3, 3, {4}}, {4, 4, {3}}});
    EXPECT_EQ(victims(), (Victims{1, 3}));
}

TEST_F(Deadlocks, AVictimThatBreaksSeveralCyclesIsEnough) {
    see({{1, 1, {2, 3}}, {2, 2, {1}}, {3, 3, {1}}});
    EXPECT_EQ(victims(), Victims{1});
}

TEST_F(Deadlocks, WhoOnlyWaitsForACycleIsLeftAlone) {
    see({{1, 9, {2}}, {2, 2, {3}, {}, 1}, {3, 3, {2}, {}, 1}});
    EXPECT_EQ(victims(), Victims{2});
}

// 5 stands before 2 in a queue, and would die first if the holders' cycle were not seen first.
TEST_F(Deadlocks, WhoMerelyStandsBeforeAVictimIsSpared) {
    see({{5, 5, {1}, {}, 0, 900}, {2, 2, {1}, {5}, 0, 800}, {1, 1, {2}, {}, 0, 700}});
    EXPECT_EQ(victims(), Victims{2});
}

TEST_F(Deadlocks, CyclesThroughQueuesAreFoundToo) {
    see({{2, 2, {}, {5}, 0, 800}, {5, 5, {1}, {}, 0, 900}, {1, 1, {2}, {}, 0, 700}});
    EXPECT_EQ(victims(), Victims{5});
}

TEST_F(Deadlocks, ACycleIsConfirmedByASecondLookAlone) {
    see({{1, 1, {2}}, {2, 2, {1}}});
    const auto first = std::exchange(graph, WaitGraph{});
    const auto cycles = first.cycles();
    ASSERT_EQ(cycles.size(), 1U);
    EXPECT_FALSE(graph.confirms(first, cycles.front()));
    see({{1, 1, {2}}, {2, 2, {}}});
    EXPECT_FALSE(graph.confirms(first, cycles.front())) << "2 waits for nobody any more";
    graph.clear();
    see({{1, 1, {2}}, {2, 2, {1}}});
    EXPECT_TRUE(graph.confirms(first, cycles.front()));
}

}  // namespace
}  // namespace quorate::lockmgr
