#include <gtest/gtest.h>

#include "fences.hpp"
#include "pages.hpp"
#include "quorum/voter.hpp"
#include "voter_bench.hpp"

// When a fence may be said to be done, and which machines their watchdogs leave alone.
namespace quorate::quorum {
namespace {

using std::chrono::milliseconds;
using testing::Bench;

// ---- who obeys

TEST(Fence, OneThatObeysIsOutWhenTheWatchdogHasRunOutThatItFeedsNoMore) {
    Bench bench(2);
    bench.start_all();
    bench.feed(1, kSecond);
    bench.run(milliseconds(3'000));
    EXPECT_EQ(bench.status(2).state, VoterState::kEvicted);
    EXPECT_FALSE(bench.casts(2));
    EXPECT_TRUE(bench.fences().empty());
    EXPECT_FALSE(fed(bench, 2, milliseconds(2'000)));
    bench.run(milliseconds(5'000));
    expect_done(bench, "it obeyed, and its watchdog has run out since");
}

TEST(Fence, OneWhoseMachineIsNotToBeResetIsNotFenced) {
    Bench bench(2);
    bench.reset_nobody();
    bench.start_all();
    bench.feed(1, kSecond);
    bench.run(milliseconds(3'000));
    EXPECT_EQ(bench.status(2).state, VoterState::kEvicted);
    EXPECT_FALSE(bench.page(2).heartbeat.bound);
    expect_refused(bench, "its life has ended, but its machine is not to be reset there");
}

TEST(Fence, InSoftModeOneThatObeysIsOutWhenCorosyncHasLostIt) {
    Bench bench(2, 1, Timing::for_soft_mode());
    bench.start_all();
    bench.feed(1, kSecond);
    bench.run(milliseconds(4'000));
    EXPECT_TRUE(bench.fences().empty());
    bench.kill(2);
    bench.ring({1});
    bench.run(milliseconds(2'000));
    EXPECT_TRUE(bench.fences().empty());
    bench.run(milliseconds(3'500));
    expect_done(bench, "it has reset itself: it said so, left Corosync's ring, and is silent");
}

TEST(Fence, InSoftModeOneWhoseResetIsRefusedIsNotFencedThoughItsLinksAreCut) {
    Bench bench(2, 1, Timing::for_soft_mode());
    bench.start_all();
    bench.feed(1, kSecond);
    bench.run(milliseconds(4'000));
    bench.split({1}, {2});
    bench.run(milliseconds(40'000));
    expect_refused(bench, "it obeyed, and its machine still runs");
}

TEST(Fence, InSoftModeOneThatStaysIsNotFenced) {
    Bench bench(2, 1, Timing::for_soft_mode());
    bench.start_all();
    bench.feed(1, kSecond);
    bench.run(milliseconds(40'000));
    expect_refused(bench, "it obeyed, and its machine still runs");
}

// ---- other lives

TEST(Fence, ANewLifeOnTheSameBootIsAskedAnew) {
    Bench bench(2);
    bench.start_all();
    bench.kill(2);
    bench.feed(1, kSecond);
    bench.run(milliseconds(500));
    const auto first = bench.request(1).fences.at(0).incarnation;
    bench.start(2);
    bench.ring({1, 2});
    bench.run(milliseconds(3'000));
    EXPECT_TRUE(bench.fences().empty());
    ASSERT_EQ(bench.request(1).fences.size(), 1U);
    EXPECT_NE(bench.request(1).fences.at(0).incarnation, first);
    bench.run(milliseconds(20'000));
    EXPECT_EQ(bench.status(2).state, VoterState::kEvicted);
    expect_done(bench, "it obeyed, and its watchdog has run out since");
    EXPECT_EQ(bench.fences().front().incarnation, bench.page(2).heartbeat.incarnation);
}

TEST(Fence, AMachineThatHasStartedAnewIsFenced) {
    Bench bench(2);
    bench.start_all();
    bench.kill(2);
    bench.feed(1, kSecond);
    bench.run(milliseconds(500));
    bench.reboot(2);
    bench.start(2);
    bench.ring({1, 2});
    bench.run(milliseconds(3'000));
    expect_done(bench, "its machine has started anew");
    EXPECT_NE(bench.status(2).state, VoterState::kEvicted);
}

TEST(Fence, WhatSomebodyHasConfirmedIsDone) {
    Bench bench(2, 1, Timing::for_soft_mode());
    bench.start_all();
    bench.kill(2);
    bench.feed(1, kSecond);
    bench.feed(1, FenceConfirmed{NodeId(2), bench.page(2).heartbeat.incarnation});
    bench.run(milliseconds(2'000));
    expect_done(bench, "somebody has confirmed it");
}

// ---- silence

TEST(Fence, SilenceIsProofWhenItHasLastedWithoutTheNodeInTheRing) {
    Bench bench(2);
    bench.start_all();
    bench.kill(2);
    bench.feed(1, kSecond);
    bench.run(milliseconds(3'000));
    bench.ring({1});
    bench.run(milliseconds(11'000));
    EXPECT_TRUE(bench.fences().empty());
    bench.run(milliseconds(4'000));
    expect_done(bench, "silent, and its watchdog has run out");
}

TEST(Fence, SilenceOfANodeThatCorosyncStillSeesIsNoProof) {
    Bench bench(2);
    bench.start_all();
    bench.kill(2);
    bench.feed(1, kSecond);
    bench.run(milliseconds(40'000));
    expect_refused(bench, "it does not obey, and Corosync still sees it");
}

TEST(Fence, OneThatWasStoppedInOrderIsNotFencedBySilence) {
    Bench bench(2);
    bench.start_all();
    bench.feed(2, StopVoting{});
    bench.run(milliseconds(3'000));
    ASSERT_TRUE(bench.stopped(2));
    EXPECT_FALSE(bench.page(2).heartbeat.bound);
    bench.kill(2);
    bench.ring({1});
    bench.feed(1, kSecond);
    bench.run(milliseconds(2'000));
    expect_refused(bench, "its quorumd was stopped in order: nothing resets its machine");
}

TEST(Fence, OneThatHasNeverTrustedTheDiskIsNotFencedBySilence) {
    Bench bench(2);
    bench.start(1);
    bench.start(2);
    bench.ring({1, 2});
    bench.run(milliseconds(1'500));
    bench.break_path(2);
    bench.ring({1});
    bench.ring({2});
    bench.run(milliseconds(9'000));
    EXPECT_TRUE(fed(bench, 2, milliseconds(1'000)));
    bench.feed(1, kSecond);
    bench.run(milliseconds(40'000));
    expect_refused(bench, "its page does not say that a watchdog binds it");
}

TEST(Fence, OneThatCannotRememberThatItIsBoundDoesNotSaySo) {
    Bench bench(2);
    bench.bind_nobody();
    bench.start_all();
    EXPECT_FALSE(bench.page(2).heartbeat.bound);
    EXPECT_TRUE(bench.casts(2));
    bench.kill(2);
    bench.ring({1});
    bench.feed(1, kSecond);
    bench.run(milliseconds(40'000));
    expect_refused(bench, "its page does not say that a watchdog binds it");
}

TEST(Fence, OneWhoseWatchdogCannotBeOpenedAnyMoreTakesItBack) {
    Bench bench(2);
    bench.start_all();
    EXPECT_TRUE(bench.page(2).heartbeat.bound);
    bench.feed(2, Bound{false});
    bench.run(milliseconds(2'500));
    EXPECT_FALSE(bench.page(2).heartbeat.bound);
    EXPECT_FALSE(bench.status(2).bound);
}

TEST(Fence, APartitionThatIsTooSmallForQuorumCannotTell) {
    Bench bench(5, /*disk_votes=*/1);
    bench.start_all();
    bench.split({1, 3, 4, 5}, {2});
    bench.run(milliseconds(2'000));
    bench.feed(2, FenceWanted{NodeId(1), "test"});
    bench.kill(1);
    bench.run(milliseconds(40'000));
    expect_refused(bench, "this node's partition is too small to tell");
}

// ---- torn pages

TEST(TornPage, OfALostNodeKeepsNobodyFromTakingOver) {
    for (const auto kind : {PageKind::kHeartbeat, PageKind::kBallot}) {
        Bench bench(2);
        bench.start_all();
        bench.kill(1);
        bench.tear(1, kind);
        bench.ring({2});
        bench.run(milliseconds(14'000));
        EXPECT_TRUE(bench.casts(2));
    }
}

TEST(TornPage, OfALostNodeDoesNotKeepItFromBeingFenced) {
    Bench bench(2);
    bench.start_all();
    bench.kill(2);
    bench.tear(2, PageKind::kHeartbeat);
    bench.ring({1});
    bench.feed(1, kSecond);
    bench.run(milliseconds(15'000));
    expect_done(bench, "silent, and its watchdog has run out");
}

TEST(TornPage, LosesNoWordAboutASetThatWasThere) {
    Bench bench(2);
    bench.start_all();
    bench.feed(1, WitnessChanged{1, {{1, 1}, {2, 2}, 5, 0x55, 7, 3}});
    bench.run(milliseconds(300));
    ASSERT_EQ(bench.witnesses_written().size(), 1U);
    bench.kill(1);
    bench.tear(1, PageKind::kWitness);
    bench.start(1);
    bench.ring({1, 2});
    bench.run(milliseconds(17'000));
    bench.feed(2, ReadAnew{1});
    bench.run(milliseconds(1'300));
    ASSERT_EQ(bench.readings().size(), 1U);
    EXPECT_EQ(bench.readings().front().others,
              (std::vector<Witness>{{{1, 1}, {2, 2}, 5, 0x55, 7, 3}}));
}

TEST(TornPage, OnBothSidesSaysNothing) {
    Bench bench(2);
    bench.start_all();
    bench.kill(1);
    bench.tear(1, PageKind::kHeartbeat, /*both=*/true);
    bench.ring({2});
    bench.run(milliseconds(20'000));
    EXPECT_FALSE(bench.casts(2));
}

// ---- who is kept alive

TEST(Life, WhoLosesTheDiskAndTheOthersIsFedNoMoreAndFenced) {
    Bench bench(2);
    bench.start_all();
    bench.break_path(2);
    bench.split({1}, {2});
    bench.feed(1, kSecond);
    EXPECT_TRUE(fed(bench, 2, milliseconds(2'000)));
    bench.run(milliseconds(4'000));
    EXPECT_FALSE(fed(bench, 2, milliseconds(5'000)));
    EXPECT_TRUE(bench.fences().empty());
    bench.run(milliseconds(5'000));
    expect_done(bench, "silent, and its watchdog has run out");
}

TEST(Life, TheLossOfTheDiskDoesNothingWhereVotesSuffice) {
    Bench bench(5, /*disk_votes=*/1);
    bench.start_all();
    bench.kill(5);
    bench.ring({1, 2, 3, 4});
    bench.run(milliseconds(3'000));
    bench.break_disk(0);
    bench.run(milliseconds(20'000));
    EXPECT_FALSE(bench.status(1).lease);
    for (const std::uint32_t node : {1U, 2U, 3U, 4U}) {
        EXPECT_TRUE(fed(bench, node, milliseconds(1'000)));
    }
    bench.ring({1, 2, 3});
    bench.run(milliseconds(6'000));
    EXPECT_FALSE(fed(bench, 1, milliseconds(5'000))) << "too few to be quorate, and no disk";
}

TEST(Life, ANodeWithoutAPathLivesByWhatTheOthersSayUntilOneOfThemWantsItsEnd) {
    Bench bench(3);
    bench.start_all();
    bench.break_path(2);
    bench.run(milliseconds(20'000));
    EXPECT_TRUE(fed(bench, 2, milliseconds(1'000)));
    bench.feed(1, kSecond);
    bench.run(milliseconds(6'000));
    EXPECT_FALSE(fed(bench, 2, milliseconds(5'000)));
    bench.kill(2);
    bench.ring({1, 3});
    bench.run(milliseconds(14'000));
    expect_done(bench, "silent, and its watchdog has run out");
}

TEST(Life, TheNextLifeOfABoundVoterIsFedOnlyWhenItsPageIsThere) {
    Bench bench(2);
    bench.start_all();
    bench.kill(2);
    bench.break_path(2);
    bench.start(2);
    bench.ring({1});
    bench.ring({2});
    EXPECT_FALSE(fed(bench, 2, milliseconds(4'000)));
    bench.mend_path(2);
    EXPECT_TRUE(fed(bench, 2, milliseconds(3'000)));
    EXPECT_FALSE(bench.status(2).trusted);
    EXPECT_TRUE(bench.page(2).heartbeat.bound);
}

TEST(Life, AMachineThatHasStartedAnewIsFedWithoutADisk) {
    Bench bench(2);
    bench.start_all();
    bench.reboot(2);
    bench.break_path(2);
    bench.start(2);
    bench.ring({1});
    bench.ring({2});
    bench.run(milliseconds(10'000));
    EXPECT_TRUE(fed(bench, 2, milliseconds(5'000)));
}

}  // namespace
}  // namespace quorate::quorum
