#include "expected_votes.hpp"

#include <gtest/gtest.h>

namespace quorate::cluster {
namespace {

TEST(ExpectedVotes, AreCountedInWords) {
    EXPECT_EQ(votes_text(0), "0 votes");
    EXPECT_EQ(votes_text(1), "1 vote");
    EXPECT_EQ(votes_text(2), "2 votes");
}

TEST(ExpectedVotes, FewerThanThosePresentAreRefusedWithTheCommandsThatTakeVotesAway) {
    EXPECT_EQ(votes_refusal(1, 3),
              "1 vote cannot be expected while 3 votes are present: expect at least 3; to reckon "
              "with less, take nodes out for good (clusterctl cluster leave --node NODE) or their "
              "votes away (clusterctl node votes NODE 0)");
}

TEST(ExpectedVotes, MoreThanWouldLeaveQuorumAreRefusedWithTheMost) {
    EXPECT_EQ(
        votes_refusal(4, 2),
        "of 4 votes expected 3 would be the quorum, and 2 votes are present: expect at most 3, "
        "or start more nodes first");
    EXPECT_EQ(votes_refusal(2, 1),
              "of 2 votes expected 2 would be the quorum, and 1 vote is present: expect at most 1, "
              "or start more nodes first");
}

}  // namespace
}  // namespace quorate::cluster
