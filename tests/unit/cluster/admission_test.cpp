#include "admission.hpp"

#include <gtest/gtest.h>

namespace quorate::cluster {
namespace {

using Cause = Refusal::Cause;

MemberId life(std::uint32_t node, std::uint64_t incarnation) {
    return {NodeId(node), Incarnation(incarnation)};
}

class Admission : public ::testing::Test {
protected:
    // Three fresh members with a vote each, quorum 2.
    Admission() {
        for (std::uint32_t node = 1; node <= 3; ++node) {
            say(node);
        }
    }
    Hello& say(std::uint32_t node, std::uint32_t process = 100) {
        auto& hello = hellos_[{NodeId(node), process}];
        hello.self.id = life(node, 10 * node + process);
        hello.self.name = "n" + std::to_string(node);
        hello.self.votes = 1;
        hello.self.levels = {1, 1};
        hello.cluster_name = "orchard";
        hello.key_fingerprint = "k1";
        hello.quorate = true;
        hello.expected_votes = 3;
        hello.quorum = 2;
        return hello;
    }
    Hello& of(std::uint32_t node) { return hellos_[{NodeId(node), 100}]; }
    MemberId id(std::uint32_t node) { return of(node).self.id; }
    // All three come out of one epoch with quorum.
    void with_past(std::uint64_t epoch) {
        for (std::uint32_t node = 1; node <= 3; ++node) {
            of(node).floor = of(node).joined = Epoch(epoch);
            of(node).lineage = {Epoch(epoch), 1, {id(1), id(2), id(3)}, {}};
        }
    }
    void leave(std::uint32_t node) { hellos_.erase({NodeId(node), 100}); }
    View view() { return decide(hellos_).proposal->view; }
    // Node and cause of the only refusal.
    std::pair<std::uint32_t, Cause> refused() {
        const auto decision = decide(hellos_);
        EXPECT_EQ(decision.refused.size(), 1U);
        const auto& refusal = decision.refused.front().refusal;
        return {refusal.node.value(), refusal.cause};
    }

    Hellos hellos_;
};

TEST_F(Admission, TheEpochIsAboveEveryFloorHeard) {
    of(1).floor = Epoch(4);
    of(3).floor = Epoch(9);
    EXPECT_EQ(view().epoch, Epoch(10));
}

TEST_F(Admission, AFloorCountsEvenIfItsHolderIsExpelled) {
    with_past(5);
    of(1).lineage.epoch = of(2).lineage.epoch = Epoch(6);
    of(1).lineage.members = of(2).lineage.members = {id(1), id(2)};
    of(1).joined = of(2).joined = Epoch(6);
    of(3).floor = Epoch(20);
    EXPECT_EQ(view().epoch, Epoch(21));
    EXPECT_EQ(view().members.size(), 2U);
}

TEST_F(Admission, VotesOfMembersDecideNotVotesOfMachines) {
    leave(2);
    leave(3);
    EXPECT_FALSE(view().quorate) << "votequorum counts machines on which clusterd is down";
}

TEST_F(Admission, OneMemberWithoutQuorumIsEnoughToWait) {
    of(2).quorate = false;
    EXPECT_FALSE(view().quorate);
}

TEST_F(Admission, HalfIsNotEnoughEvenWithTwoNode) {
    leave(3);
    for (std::uint32_t node = 1; node <= 2; ++node) {
        of(node).expected_votes = 2;
        of(node).quorum = 1;  // votequorum's two_node
    }
    EXPECT_TRUE(view().quorate);
    EXPECT_EQ(view().quorum, 2U);
    leave(2);
    EXPECT_FALSE(view().quorate);
}

TEST_F(Admission, TheDiskCountsWithTheLeastThatAMemberHoldsOfIt) {
    leave(3);
    for (std::uint32_t node = 1; node <= 2; ++node) {
        of(node).expected_votes = 5;
        of(node).quorum = 3;
        of(node).disk_votes = 2;
    }
    auto decision = decide(hellos_);
    EXPECT_TRUE(decision.proposal->view.quorate);
    EXPECT_TRUE(decision.proposal->needs_disk);
    of(2).disk_votes = 0;
    decision = decide(hellos_);
    EXPECT_FALSE(decision.proposal->view.quorate);
    EXPECT_FALSE(decision.proposal->needs_disk);
}

TEST_F(Admission, WhoHasAnotherClusterNameIsRefusedWithBothNames) {
    of(1).cluster_name = "meadow";
    EXPECT_EQ(refused(), std::pair(1U, Cause::kClusterName));
    const auto text = decide(hellos_).refused.front().refusal.text;
    EXPECT_NE(text.find("meadow"), text.npos);
    EXPECT_NE(text.find("orchard"), text.npos);
}

TEST_F(Admission, WhoHasAnotherKeyIsRefused) {
    of(3).key_fingerprint = "k2";
    EXPECT_EQ(refused(), std::pair(3U, Cause::kKey));
}

TEST_F(Admission, NewcomersOfAnotherNameDoNotOutvoteAMember) {
    with_past(5);
    for (const std::uint32_t node : {2U, 3U}) {
        of(node) = Hello();
        say(node).cluster_name = "meadow";
        of(node).self.votes = 3;
    }
    const auto decision = decide(hellos_);
    ASSERT_EQ(decision.refused.size(), 2U);
    for (const auto& verdict : decision.refused) {
        EXPECT_EQ(verdict.refusal.cause, Cause::kClusterName);
        EXPECT_NE(verdict.refusal.node, NodeId(1));
    }
    EXPECT_EQ(decision.proposal->view.members.size(), 1U);
}

TEST_F(Admission, NorWhoHasAPastThoughItStartsAnew) {
    of(1).lineage = {Epoch(5), 1, {life(1, 7)}, {}};
    of(2).key_fingerprint = of(3).key_fingerprint = "k2";
    EXPECT_EQ(decide(hellos_).refused.size(), 2U);
    EXPECT_EQ(decide(hellos_).refused.front().refusal.node, NodeId(2));
}

TEST_F(Admission, OfNamesThatAllHaveAPastTheRunningOneStaysElseThatOfTheMostVotes) {
    with_past(5);
    for (std::uint32_t node = 1; node <= 3; ++node) {
        of(node).joined = Epoch(0);
    }
    of(1).cluster_name = "meadow";
    of(1).lineage.epoch = Epoch(9);
    EXPECT_EQ(refused(), std::pair(1U, Cause::kClusterName));
    of(1).joined = Epoch(9);
    EXPECT_EQ(decide(hellos_).refused.size(), 2U);
}

TEST_F(Admission, OfTwoWithOneNodeIdTheOneWithAPastStays) {
    with_past(5);
    auto& second = say(2, 200);
    second.self.id.incarnation = Incarnation(1);
    EXPECT_EQ(refused(), std::pair(2U, Cause::kNodeIdTaken));
    EXPECT_EQ(view().members[1].id, id(2));
}

TEST_F(Admission, OfTwoFreshWithOneNodeIdOneStays) {
    say(2, 200);
    EXPECT_EQ(refused(), std::pair(2U, Cause::kNodeIdTaken));
    EXPECT_EQ(view().members.size(), 3U);
}

TEST_F(Admission, WhomTheOthersWentOnWithoutIsExpelled) {
    with_past(5);
    const Lineage without{Epoch(7), 1, {id(1), id(2)}, {id(3)}};
    of(1).lineage = of(2).lineage = without;
    of(1).joined = of(2).joined = Epoch(7);
    EXPECT_EQ(refused(), std::pair(3U, Cause::kExpelled));
}

TEST_F(Admission, WhoWasOnlyVouchedForIsNotExpelled) {
    with_past(5);
    of(1).lineage.epoch = of(1).joined = Epoch(6);  // committed there; the others did not hear it
    EXPECT_TRUE(decide(hellos_).refused.empty());
}

TEST_F(Admission, AFreshLifeIsWelcomeAfterAnything) {
    with_past(5);
    of(3).self.id.incarnation = Incarnation(777);
    of(3).joined = Epoch(0);
    EXPECT_TRUE(decide(hellos_).refused.empty());
    EXPECT_EQ(view().lost, std::vector{life(3, 130)});
}

// Node 1 vouched for epoch 8 on a word of node 2 from before epoch 7, which went on without it.
TEST_F(Admission, ALineageThatDoesNotKnowOfAnotherDoesNotOverruleIt) {
    with_past(5);
    leave(3);
    of(1).lineage = {Epoch(8), 1, {id(1), id(2)}, {}, Epoch(5)};
    of(2).lineage = {Epoch(7), 1, {id(2)}, {life(9, 9)}, Epoch(5)};
    of(2).joined = Epoch(7);
    EXPECT_EQ(refused(), std::pair(1U, Cause::kExpelled));
    EXPECT_EQ(view().lost, (std::vector{id(1), life(9, 9)}));
    of(1).lineage.known = Epoch(7);
    EXPECT_TRUE(decide(hellos_).refused.empty());
}

TEST_F(Admission, WhatALineageKnowsIsTheLeastFloorOfWhoMadeIt) {
    with_past(5);
    of(2).floor = Epoch(3);
    EXPECT_EQ(decide(hellos_).proposal->lineage.known, Epoch(3));
    of(1).lineage.known = Epoch(4);
    EXPECT_EQ(decide(hellos_).proposal->lineage.known, Epoch(4));
}

TEST_F(Admission, WhoNeedsTheDiskKnowsNoMoreThanItsFloor) {
    with_past(5);
    leave(2);
    leave(3);
    of(1).disk_votes = 1;
    of(1).disk_floor = Epoch(4);
    EXPECT_EQ(decide(hellos_).proposal->lineage.known, Epoch(4));
    EXPECT_EQ(view().epoch, Epoch(6));
    of(1).disk_floor = Epoch(9);
    EXPECT_EQ(decide(hellos_).proposal->lineage.known, Epoch(5));
    EXPECT_EQ(view().epoch, Epoch(10));
}

TEST_F(Admission, WhoeverTheLineageHadAndIsNotHereIsLost) {
    with_past(5);
    of(1).lineage.lost = {life(9, 9)};
    of(2).lineage = of(1).lineage;
    leave(3);
    EXPECT_EQ(view().lost, (std::vector{life(3, 130), life(9, 9)}));
}

TEST_F(Admission, ALostLifeIsNamedUntilEveryMemberWithAPastWasTold) {
    with_past(5);
    leave(3);
    of(1).taken_over = {life(3, 130)};
    EXPECT_EQ(view().lost.size(), 1U);
    of(2).taken_over = {life(3, 130)};
    EXPECT_TRUE(view().lost.empty());
}

TEST_F(Admission, AfterAFullRestartTheEarlierLivesAreLost) {
    with_past(5);
    for (std::uint32_t node = 1; node <= 3; ++node) {
        of(node).self.id.incarnation = Incarnation(1000 + node);
        of(node).joined = Epoch(0);
    }
    EXPECT_EQ(view().lost.size(), 3U);
}

TEST_F(Admission, TheCoordinatorIsTheLowestWithAPast) {
    EXPECT_EQ(view().coordinator, NodeId(1));
    with_past(5);
    of(1).self.id.incarnation = Incarnation(777);
    of(1).joined = Epoch(0);
    EXPECT_EQ(view().coordinator, NodeId(2));
}

TEST_F(Admission, TheFirstLevelIsTheHighestThatAllSpeak) {
    of(1).self.levels = {1, 3};
    of(2).self.levels = {1, 2};
    of(3).self.levels = {2, 3};
    EXPECT_EQ(view().level, 2);
}

TEST_F(Admission, WhoDoesNotSpeakTheLevelIsRefused) {
    with_past(5);
    of(3).self.levels = {2, 3};
    EXPECT_EQ(refused(), std::pair(3U, Cause::kProtocolLevel));
}

TEST_F(Admission, TheLevelRisesOnlyWhenAllSpeakItAndOneAsks) {
    with_past(5);
    of(1).self.levels = of(2).self.levels = {1, 2};
    of(1).wanted_level = 2;
    EXPECT_EQ(view().level, 1);
    of(3).self.levels = {1, 2};
    EXPECT_EQ(view().level, 2);
    EXPECT_EQ(decide(hellos_).proposal->lineage.level, 2);
    of(1).wanted_level = 0;
    EXPECT_EQ(view().level, 1);
}

TEST_F(Admission, ANodeIdStaysWithTheMemberWhateverTheOtherMayHaveJoined) {
    with_past(5);
    auto& stranger = say(1, 999);
    stranger.joined = Epoch(6);
    EXPECT_EQ(refused(), std::pair(1U, Cause::kNodeIdTaken));
    EXPECT_NE(view().find(life(1, 110)), nullptr);
}

TEST_F(Admission, TheNodeIdOfOneThatIsExpelledIsFree) {
    with_past(5);
    const Lineage without{Epoch(7), 1, {id(1), id(2)}, {id(3)}};
    of(1).lineage = of(2).lineage = without;
    of(1).joined = of(2).joined = Epoch(7);
    say(3, 999);
    EXPECT_EQ(refused(), std::pair(3U, Cause::kExpelled));
    EXPECT_NE(view().find(life(3, 1029)), nullptr);
}

TEST_F(Admission, WhoMayHaveJoinedWhatTheOthersWentOnWithoutIsExpelled) {
    with_past(5);
    leave(3);
    auto& fresh = say(4);
    fresh.may_have_joined = Epoch(5);
    EXPECT_TRUE(decide(hellos_).refused.empty());
    fresh.may_have_joined = Epoch(4);
    EXPECT_EQ(refused(), std::pair(4U, Cause::kExpelled));
    of(1).lineage.members.push_back(fresh.self.id);
    of(2).lineage = of(1).lineage;
    EXPECT_TRUE(decide(hellos_).refused.empty());
}

// They start, and stop before any takeover, for ever; then they start for good.
TEST_F(Admission, RestartsOfAllDoNotFillTheListOfTheLost) {
    with_past(5);
    for (std::uint32_t restart = 0; restart < kMaxLost; ++restart) {
        const auto lineage = decide(hellos_).proposal->lineage;
        for (std::uint32_t node = 1; node <= 3; ++node) {
            auto& hello = of(node);
            hello.self.id.incarnation = Incarnation(2000 + 4 * restart + node);
            hello.joined = Epoch(0);
            hello.floor = lineage.epoch;
            hello.lineage = lineage;
        }
    }
    EXPECT_TRUE(decide(hellos_).refused.empty());
    EXPECT_EQ(view().lost.size(), 3U);
}

TEST_F(Admission, WhoWasToldOfALostLifeHearsOfItUntilItIsTakenOver) {
    with_past(5);
    const Lineage merged{Epoch(5), 1, {life(4, 2)}, {id(1), id(2), id(3), life(4, 1)}};
    for (std::uint32_t node = 1; node <= 3; ++node) {
        of(node).lineage = merged;
    }
    const auto lost = view().lost;
    EXPECT_EQ(lost, (std::vector{life(4, 1), life(4, 2)}));
}

// Its later life is here, and was told of nothing.
TEST_F(Admission, AnEarlierLifeOfOneThatIsHereIsNotForgotten) {
    with_past(5);
    for (std::uint32_t node = 1; node <= 3; ++node) {
        of(node).joined = Epoch(0);
        of(node).lineage.lost = {life(1, 5)};
    }
    EXPECT_EQ(view().lost, std::vector{life(1, 5)});
    of(1).self.id.incarnation = Incarnation(1001);
    EXPECT_EQ(view().lost, std::vector{life(1, 110)}) << "what is over for 110 is over for 5";
}

TEST_F(Admission, WhoHasNoQuorumAloneNeedsTheNewcomersWhateverTheList) {
    with_past(5);
    for (std::uint32_t i = 0; i < kMaxLost / 2; ++i) {
        of(1).lineage.lost.push_back(life(9, i));
    }
    of(2).lineage = of(3).lineage = of(1).lineage;
    say(4);
    EXPECT_EQ(refused(), std::pair(4U, Cause::kEarlierLives));
    for (std::uint32_t node = 1; node <= 4; ++node) {
        of(node).expected_votes = 7;
        of(node).quorum = 4;
    }
    EXPECT_TRUE(decide(hellos_).refused.empty());
    EXPECT_TRUE(view().quorate);
}

TEST_F(Admission, AFullListLeavesRoomForARestartOfAll) {
    with_past(5);
    for (std::uint32_t i = 0; i < kMaxLost / 2 - 3; ++i) {
        of(1).lineage.lost.push_back(life(9, i));
    }
    of(3).lineage = of(2).lineage = of(1).lineage;
    auto& fourth = say(4);
    EXPECT_EQ(refused(), std::pair(4U, Cause::kEarlierLives));
    for (std::uint32_t node = 1; node <= 3; ++node) {
        of(node).joined = Epoch(0);
        of(node).self.id.incarnation = Incarnation(2000 + node);
    }
    EXPECT_TRUE(decide(hellos_).refused.empty());
    EXPECT_NE(view().find(fourth.self.id), nullptr);
}

TEST_F(Admission, AFreshLifeWaitsWhenTheListOfTheLostIsFull) {
    with_past(5);
    of(3).joined = Epoch(0);
    of(3).self.id.incarnation = Incarnation(1003);
    for (std::uint32_t i = 0; i < kMaxLost - 2; ++i) {
        of(1).lineage.lost.push_back(life(9, i));
    }
    of(2).lineage = of(1).lineage;
    EXPECT_EQ(refused(), std::pair(3U, Cause::kEarlierLives));
    EXPECT_LE(view().lost.size() + view().members.size(), kMaxLost + 1);
}

TEST_F(Admission, WithoutQuorumThereIsNoNewLineage) {
    with_past(5);
    leave(2);
    leave(3);
    EXPECT_FALSE(view().quorate);
    EXPECT_EQ(decide(hellos_).proposal->lineage, Lineage{});
}

}  // namespace
}  // namespace quorate::cluster
