#include "round.hpp"

#include <gtest/gtest.h>

namespace quorate::cluster {
namespace {

// Members 1 and 2 of one group; 1 was never in a view with quorum.
class RoundOfTwo : public ::testing::Test {
protected:
    RoundOfTwo() {
        for (auto* hello : {&first_, &second_}) {
            hello->attempt = 1;
            hello->cluster_name = "orchard";
            hello->self.votes = 1;
            hello->self.levels = {1, 1};
            hello->quorate = true;
            hello->quorum = 2;
        }
        first_.self.id = {NodeId(1), Incarnation(1)};
        second_.self.id = {NodeId(2), Incarnation(2)};
        round_.hear(one_, first_);
    }
    void be_silent_and_speak_again(Epoch floor) {
        EXPECT_TRUE(round_.hear(Silent{round_.configuration(), one_, round_.attempt_of(one_)}));
        ++first_.attempt;
        first_.floor = floor;
        round_.hear(one_, first_);
    }
    // Whether 1 is refused by a second that went on without it in that epoch.
    bool refused(Epoch epoch) {
        second_.floor = second_.joined = epoch;
        second_.lineage = {epoch, 1, {second_.self.id}, {}};
        round_.hear(two_, second_);
        return !round_.decision().refused.empty();
    }

    GroupMember one_{NodeId(1), 100};
    GroupMember two_{NodeId(2), 100};
    Round round_{RingId{NodeId(1), 4}, {one_, two_}};
    Hello first_;
    Hello second_;
};

TEST_F(RoundOfTwo, WhoSpokeAllTheTimeHasJoinedNothing) { EXPECT_FALSE(refused(Epoch(9))); }

TEST_F(RoundOfTwo, WhoWasSilentMayHaveJoinedWhatItsFirstWordLedTo) {
    be_silent_and_speak_again(Epoch(8));
    EXPECT_FALSE(refused(Epoch(1))) << "made from no word of its own";
    EXPECT_TRUE(refused(Epoch(2)));
    be_silent_and_speak_again(Epoch(9));
    EXPECT_TRUE(refused(Epoch(2)));
}

TEST_F(RoundOfTwo, ASecondWordDoesNotMakeUpForTheFirst) {
    first_.attempt = 2;
    first_.floor = Epoch(8);
    round_.hear(one_, first_);
    be_silent_and_speak_again(Epoch(8));
    EXPECT_TRUE(refused(Epoch(2)));
}

TEST_F(RoundOfTwo, AWordWithoutQuorumLeadsToNobodysLineage) {
    round_ = Round{RingId{NodeId(1), 8}, {one_, two_}};
    first_.quorate = false;
    round_.hear(one_, first_);
    first_.quorate = true;
    be_silent_and_speak_again(Epoch(1));
    EXPECT_FALSE(refused(Epoch(9)));
}

TEST_F(RoundOfTwo, ASilenceThatIsOutOfDateRaisesNoDoubt) {
    EXPECT_FALSE(round_.hear(Silent{round_.configuration(), one_, 0}));
    EXPECT_FALSE(refused(Epoch(9)));
}

}  // namespace
}  // namespace quorate::cluster
