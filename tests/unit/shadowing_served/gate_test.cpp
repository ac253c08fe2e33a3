#include "shadowing/served/gate.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace quorate::shadowing {
namespace {

ServedOpener opener(std::uint32_t node, std::uint64_t process) {
    return {{cluster::NodeId(node), cluster::Incarnation(0xa1)}, process};
}

ExportName connection(const ServedOpener& who, std::uint64_t session, std::uint32_t number = 1,
                      std::uint64_t epoch = 5) {
    return {"disk", {}, who, session, number, epoch, ServedView::kData};
}

TEST(Gate, RefusesWhoComesWithAnOlderEpoch) {
    Gate gate(5);
    const auto old = gate.enter(connection(opener(1, 1), 11, 1, 4));
    EXPECT_FALSE(gate.begin(*old));
    const auto present = gate.enter(connection(opener(1, 1), 12, 1, 5));
    EXPECT_TRUE(gate.begin(*present));
    gate.end(*present);
}

TEST(Gate, AHigherFloorLeavesThoseThatAreThere) {
    Gate gate(5);
    const auto there = gate.enter(connection(opener(1, 1), 11));
    gate.raise_floor(6);
    EXPECT_TRUE(gate.begin(*there));
    gate.end(*there);
    const auto late = gate.enter(connection(opener(1, 1), 12));
    EXPECT_FALSE(gate.begin(*late));
    EXPECT_EQ(gate.floor(), 6u);
}

TEST(Gate, ADropIsAnsweredWhenTheLastRequestHasEnded) {
    Gate gate(5);
    const auto first = gate.enter(connection(opener(1, 1), 11));
    const auto second = gate.enter(connection(opener(1, 2), 12));
    ASSERT_TRUE(gate.begin(*first));
    ASSERT_TRUE(gate.begin(*second));
    int drained = 0;
    gate.drop(opener(1, 0), 6, [&] { ++drained; });
    EXPECT_FALSE(gate.begin(*first));
    gate.end(*first);
    EXPECT_EQ(drained, 0);
    gate.end(*second);
    EXPECT_EQ(drained, 1);
}

TEST(Gate, ADropOfOneOpenerLeavesTheOthersOfItsNode) {
    Gate gate(5);
    const auto dropped = gate.enter(connection(opener(1, 1), 11));
    const auto other = gate.enter(connection(opener(1, 2), 12));
    const auto elsewhere = gate.enter(connection(opener(2, 1), 13));
    ASSERT_TRUE(gate.begin(*other));
    int drained = 0;
    gate.drop(opener(1, 1), 5, [&] { ++drained; });
    EXPECT_EQ(drained, 1);
    EXPECT_FALSE(gate.begin(*dropped));
    EXPECT_TRUE(gate.begin(*elsewhere));
    // It comes back with another connection, and is still dropped.
    const auto again = gate.enter(connection(opener(1, 1), 14));
    EXPECT_FALSE(gate.begin(*again));
}

TEST(Gate, ANewConnectionWaitsForWhatItsSessionHasUnderWay) {
    Gate gate(5);
    const auto older = gate.enter(connection(opener(1, 1), 11, 1));
    ASSERT_TRUE(gate.begin(*older));
    std::atomic<bool> ended = false;
    std::thread next([&] {
        const auto newer = gate.enter(connection(opener(1, 1), 11, 2));
        EXPECT_TRUE(ended);
        EXPECT_TRUE(gate.begin(*newer));
        gate.end(*newer);
    });
    // Once it has come, the older one is refused.
    while (gate.passes().size() < 2) {
        std::this_thread::yield();
    }
    EXPECT_FALSE(gate.begin(*older));
    ended = true;
    gate.end(*older);
    next.join();
}

TEST(Gate, AConnectionThatWasOvertakenIsRefused) {
    Gate gate(5);
    const auto newer = gate.enter(connection(opener(1, 1), 11, 2));
    const auto late = gate.enter(connection(opener(1, 1), 11, 1));
    EXPECT_FALSE(gate.begin(*late));
    EXPECT_TRUE(gate.begin(*newer));
}

TEST(Gate, AConnectionThatLeftIsForgotten) {
    Gate gate(5);
    const auto pass = gate.enter(connection(opener(1, 1), 11));
    ASSERT_TRUE(gate.begin(*pass));
    gate.end(*pass);
    EXPECT_EQ(gate.passes().front().requests, 1u);
    gate.leave(pass);
    EXPECT_TRUE(gate.passes().empty());
}

}  // namespace
}  // namespace quorate::shadowing
