#include "shadowing/cluster/witnesses.hpp"

#include <gtest/gtest.h>

namespace quorate::shadowing {
namespace {

TEST(WitnessQuorum, WhoReadsMeetsWhoeverWasTold) {
    for (std::size_t nodes = 1; nodes <= cluster::kMaxMembers; ++nodes) {
        const auto quorum = witness_quorum(nodes);
        EXPECT_EQ(quorum.to_tell + quorum.to_read, nodes + 1) << nodes;
        EXPECT_LE(quorum.to_tell, nodes);
        EXPECT_GE(quorum.to_read, 1U);
    }
}

TEST(WitnessQuorum, TheLossOfOneOfTwoNodesDoesNotStopTheOther) {
    EXPECT_EQ(witness_quorum(2).to_tell, 1U);
    EXPECT_EQ(witness_quorum(2).to_read, 2U);
    EXPECT_EQ(witness_quorum(3).to_tell, 2U);
}

}  // namespace
}  // namespace quorate::shadowing
