#include "quorum/voter.hpp"

#include <gtest/gtest.h>

#include "pages.hpp"
#include "voter_bench.hpp"

namespace quorate::quorum {
namespace {

using std::chrono::milliseconds;
using testing::Bench;

std::vector<Witness> everything(const ReadDone& done) { return together(done.own, done.others); }

TEST(Voter, TellsVotequorumNothingGoodBeforeItWritesAnything) {
    Bench bench(2);
    bench.start(1);
    bench.ring({1, 2});
    const auto first = bench.first_poll(1);
    ASSERT_TRUE(first);
    EXPECT_FALSE(first->cast);
    EXPECT_EQ(bench.page(1).known, false);
}

TEST(Voter, TrustsTheDiskAfterFourCleanCycles) {
    Bench bench(2);
    bench.start(1);
    bench.start(2);
    bench.ring({1, 2});
    bench.run(milliseconds(2'500));
    EXPECT_EQ(bench.status(1).state, VoterState::kProbe);
    bench.run(milliseconds(3'500));
    EXPECT_TRUE(bench.status(1).trusted);
}

TEST(Voter, AllNodesTogetherHaveTheVotes) {
    Bench bench(3);
    bench.start_all();
    EXPECT_TRUE(bench.casts(1) && bench.casts(2) && bench.casts(3));
    EXPECT_EQ(bench.status(1).state, VoterState::kHold);
    EXPECT_EQ(bench.status(1).held, bench.status(3).held);
}

TEST(Voter, OfTwoHalvesTheOneWithTheLowestNodeKeepsThemAndTheOtherResigns) {
    Bench bench(2);
    bench.start_all();
    bench.split({1}, {2});
    bench.run(milliseconds(2'000));
    EXPECT_TRUE(bench.casts(1));
    EXPECT_FALSE(bench.casts(2));
    EXPECT_EQ(bench.status(2).state, VoterState::kResigned);
    EXPECT_EQ(bench.status(2).held, bench.status(2).released);
}

TEST(Voter, AHigherScoreOutweighsALowerNode) {
    Bench bench(2);
    bench.start_all();
    bench.feed(2, Scored{5});
    bench.run(milliseconds(1'500));
    bench.split({1}, {2});
    bench.run(milliseconds(2'500));
    EXPECT_FALSE(bench.casts(1));
    EXPECT_TRUE(bench.casts(2));
}

TEST(Voter, TheTieBreakerOutweighsALowerNode) {
    Bench bench(2);
    bench.tie_breaker(2);
    bench.start_all();
    bench.split({1}, {2});
    bench.run(milliseconds(2'500));
    EXPECT_TRUE(bench.casts(2));
}

TEST(Voter, AllButOneMayFailWhenTheDiskHasVotesEnough) {
    Bench bench(3, /*disk_votes=*/2);
    bench.start_all();
    bench.kill(1);
    bench.kill(2);
    bench.ring({3});
    bench.run(milliseconds(11'000));
    EXPECT_FALSE(bench.casts(3));
    bench.run(milliseconds(3'000));
    EXPECT_TRUE(bench.casts(3));
}

TEST(Voter, TooFewEvenWithTheDiskResignAtOnce) {
    Bench bench(5, /*disk_votes=*/1);
    bench.start_all();
    bench.split({1, 2}, {3, 4, 5});
    bench.run(milliseconds(2'000));
    EXPECT_FALSE(bench.casts(1));
    EXPECT_TRUE(bench.casts(3));
    EXPECT_EQ(bench.status(1).held, bench.status(1).released);
}

TEST(Voter, AnOrderlyEndLeavesTheVotesToTheOthersAtOnce) {
    Bench bench(2);
    bench.start_all();
    bench.feed(2, StopVoting{});
    bench.run(milliseconds(500));
    EXPECT_TRUE(bench.stopped(2));
    bench.kill(2);
    bench.ring({1});
    bench.run(milliseconds(2'500));
    EXPECT_TRUE(bench.casts(1));
}

TEST(Voter, AfterACrashTheNextLifeWaitsForWhatTheLastLeftBehind) {
    Bench bench(2);
    bench.start_all();
    bench.kill(2);
    bench.start(2);
    bench.ring({1, 2});
    bench.run(milliseconds(11'000));
    EXPECT_FALSE(bench.status(2).trusted);
    bench.run(milliseconds(6'000));
    EXPECT_TRUE(bench.status(2).trusted);
}

// Another voter in its place may have the votes until it reads this one's page, or is silent.
TEST(Voter, WaitsAsLongFromWhenItsPageIsThere) {
    Bench bench(2);
    bench.start_all();
    bench.kill(2);
    bench.start(2);
    bench.freeze_corosync(2);
    bench.ring({1, 2});
    bench.run(milliseconds(13'000));
    bench.thaw_corosync(2);
    bench.run(milliseconds(11'000));
    EXPECT_FALSE(bench.status(2).trusted);
    bench.run(milliseconds(4'000));
    EXPECT_TRUE(bench.status(2).trusted);
}

TEST(Voter, WaitsAnewWhenAnotherHasWrittenItsPage) {
    Bench bench(2);
    bench.start_all();
    bench.run(milliseconds(300));  // between a writing and the reading that follows it
    bench.write_as_another(1);
    bench.run(milliseconds(1'000));
    EXPECT_EQ(bench.status(1).state, VoterState::kProbe);
    bench.run(milliseconds(10'000));
    EXPECT_FALSE(bench.status(1).trusted);
    bench.run(milliseconds(4'000));
    EXPECT_TRUE(bench.status(1).trusted);
}

TEST(Voter, WhoseCorosyncDoesNotAnswerFallsSilentUntilItDoes) {
    Bench bench(2, 1, Timing::for_soft_mode());
    bench.start_all();
    bench.freeze_corosync(1);
    bench.ring({2});
    bench.run(milliseconds(4'000));
    EXPECT_EQ(bench.status(1).state, VoterState::kResigned);
    EXPECT_TRUE(bench.page(1).heartbeat.held > bench.page(1).heartbeat.released);
    const auto page = bench.raw(0, 1, PageKind::kHeartbeat);
    bench.run(milliseconds(10'000));
    EXPECT_FALSE(bench.casts(2));
    bench.run(milliseconds(3'000));
    EXPECT_TRUE(bench.casts(2));
    EXPECT_EQ(bench.raw(0, 1, PageKind::kHeartbeat), page);
    bench.thaw_corosync(1);
    bench.run(milliseconds(1'000));
    EXPECT_TRUE(bench.page(1).heartbeat.closes());
    EXPECT_FALSE(bench.casts(1));
}

TEST(Voter, WithoutTheDiskItIsToldByAPartitionMate) {
    Bench bench(2);
    bench.break_path(2);
    bench.start_all();
    EXPECT_FALSE(bench.status(2).trusted);
    EXPECT_TRUE(bench.casts(2));
    EXPECT_TRUE(bench.page(1).heartbeat.wards.has(NodeId(2)));
}

// Each sees of the other for ever what it read first, which looks like a silent node.
TEST(Voter, WithCachesOfTheirOwnNobodyTrustsTheDisk) {
    Bench bench(2);
    bench.cache_path(1);
    bench.cache_path(2);
    bench.start_all();
    EXPECT_FALSE(bench.status(1).trusted || bench.status(2).trusted);
    EXPECT_FALSE(bench.casts(1) || bench.casts(2));
    bench.split({1}, {2});
    bench.run(milliseconds(30'000));
    EXPECT_FALSE(bench.casts(1) || bench.casts(2));
}

TEST(Voter, APeersCacheTakesNoTrustAway) {
    Bench bench(2);
    bench.cache_path(2);
    bench.start_all();
    EXPECT_TRUE(bench.status(1).trusted);
    EXPECT_FALSE(bench.status(2).trusted);
    EXPECT_TRUE(bench.casts(1) && bench.casts(2));
}

TEST(Voter, AWardLeftBehindIsWaitedFor) {
    Bench bench(2);
    bench.break_path(2);
    bench.start_all();
    bench.split({1}, {2});
    bench.run(milliseconds(3'000));
    EXPECT_FALSE(bench.casts(1));
    bench.run(milliseconds(10'000));
    EXPECT_TRUE(bench.casts(1));
    EXPECT_FALSE(bench.casts(2));
}

TEST(Voter, RidersAreWrittenUnderTheHoldAndReadAnew) {
    Bench bench(2);
    bench.start_all();
    bench.feed(1, RiderChanged{7, "one"});
    bench.feed(2, RiderChanged{8, "two"});
    bench.run(milliseconds(300));
    ASSERT_EQ(bench.riders_written().size(), 2U);
    EXPECT_TRUE(bench.riders_written().front().held);
    bench.feed(1, ReadAnew{3});
    bench.run(milliseconds(300));
    ASSERT_EQ(bench.readings().size(), 1U);
    EXPECT_EQ(bench.readings().front().number, 3U);
    EXPECT_EQ(bench.readings().front().riders, (std::vector<std::string>{"one", "two"}));
}

// What tears it leaves the last but one, not an older one.
TEST(Voter, WritesWhatWasWantedMeanwhileToTheOtherSide) {
    Bench bench(2);
    bench.start_all();
    bench.run(milliseconds(300));
    bench.feed(1, RiderChanged{1, "one"});
    bench.feed(1, RiderChanged{2, "two"});
    bench.run(milliseconds(20));
    EXPECT_EQ(bench.riders(1), (std::set<std::string>{"one", "two"}));
}

TEST(Voter, ARiderOutlivesItsVoter) {
    Bench bench(2);
    bench.start_all();
    bench.feed(2, RiderChanged{1, "floor"});
    bench.run(milliseconds(300));
    bench.kill(2);
    bench.start(2);
    bench.ring({1, 2});
    bench.run(milliseconds(2'000));
    EXPECT_EQ(bench.page(2).heartbeat.rider, "floor");
}

TEST(Voter, TheNewestWitnessOfASetIsRead) {
    Bench bench(2);
    bench.start_all();
    const Uuid set{1, 1};
    const Uuid lineage{2, 2};
    bench.feed(1, WitnessChanged{1, {set, lineage, 4, 0x44, 6, 3}});
    bench.feed(2, WitnessChanged{2, {set, lineage, 5, 0x55, 5, 1}});
    bench.run(milliseconds(300));
    bench.feed(1, ReadAnew{1});
    bench.run(milliseconds(300));
    ASSERT_EQ(bench.readings().size(), 1U);
    EXPECT_EQ(everything(bench.readings().front()),
              (std::vector<Witness>{{set, lineage, 5, 0x55, 6, 1}}));
}

TEST(Voter, AWitnessIsNeverLessThanItWas) {
    Bench bench(2);
    bench.start_all();
    bench.feed(1, WitnessChanged{1, {{1, 1}, {2, 2}, 5, 0x55, 7, 3}});
    bench.feed(1, WitnessChanged{2, {{1, 1}, {2, 2}, 4, 0x44, 6, 1}});
    bench.feed(1, ReadAnew{1});
    bench.run(milliseconds(300));
    ASSERT_EQ(bench.readings().size(), 1U);
    EXPECT_EQ(everything(bench.readings().front()),
              (std::vector<Witness>{{{1, 1}, {2, 2}, 5, 0x55, 7, 3}}));
}

TEST(Voter, AWitnessToldEarlyIsWrittenBesideWhatTheLastLifeKnew) {
    Bench bench(2);
    bench.start_all();
    bench.feed(1, WitnessChanged{1, {{1, 1}, {2, 2}, 5, 0x55, 7, 3}});
    bench.run(milliseconds(300));
    bench.kill(1);
    bench.start(1);
    bench.feed(1, WitnessChanged{2, {{1, 2}, {2, 2}, 1, 0x11, 1, 1}});
    bench.ring({1, 2});
    bench.run(milliseconds(17'000));
    ASSERT_EQ(bench.witnesses_written().size(), 2U);
    EXPECT_EQ(bench.witnesses_written().back().number, 2U);
    bench.feed(2, ReadAnew{1});
    bench.run(milliseconds(1'300));
    ASSERT_EQ(bench.readings().size(), 1U);
    EXPECT_EQ(everything(bench.readings().front()).size(), 2U);
}

TEST(Voter, WhatARemovedNodeKnewOfASetTheOthersKnow) {
    Bench bench(3);
    bench.start_all();
    bench.feed(3, WitnessChanged{1, {{1, 1}, {2, 2}, 5, 0x55, 7, 3}});
    bench.run(milliseconds(1'500));
    bench.remove(3);
    bench.ring({1, 2});
    bench.run(milliseconds(1'500));
    bench.feed(1, ReadAnew{1});
    bench.run(milliseconds(300));
    ASSERT_EQ(bench.readings().size(), 1U);
    EXPECT_EQ(bench.readings().front().own,
              (std::vector<Witness>{{{1, 1}, {2, 2}, 5, 0x55, 7, 3}}));
    EXPECT_EQ(bench.readings().front().others, bench.readings().front().own);
}

TEST(Voter, OneSetTooManyIsRefused) {
    Bench bench(2);
    bench.start_all();
    for (std::uint64_t set = 1; set <= kMaxWitnessed + 1; ++set) {
        bench.feed(1, WitnessChanged{set, {{1, set}, {2, 2}, 1, 1, 1, 1}});
    }
    bench.run(milliseconds(300));
    ASSERT_EQ(bench.witnesses_written().size(), kMaxWitnessed + 1);
    EXPECT_TRUE(bench.witnesses_written().front().full);
    EXPECT_EQ(bench.witnesses_written().front().number, kMaxWitnessed + 1);
    EXPECT_FALSE(bench.witnesses_written().back().full);
}

TEST(Voter, ADiskIsReplacedWhileTheVotesStay) {
    Bench bench(2);
    bench.start_all();
    bench.use_disks({0}, {1}, 1);
    bench.run(milliseconds(6'000));
    EXPECT_TRUE(bench.casts(1) && bench.casts(2));
    for (const auto& step : bench.status(1).steps) {
        EXPECT_EQ(step.step, 1U);
        EXPECT_TRUE(step.trusted);
    }
    bench.use_disks({1}, {}, 2);
    bench.break_disk(0);
    bench.run(milliseconds(8'000));
    EXPECT_TRUE(bench.casts(1) && bench.casts(2));
    bench.split({1}, {2});
    bench.run(milliseconds(2'500));
    EXPECT_TRUE(bench.casts(1));
}

TEST(Voter, AllPagesComeAlongToANewDisk) {
    Bench bench(2);
    bench.start_all();
    bench.feed(2, WitnessChanged{1, {{1, 1}, {2, 2}, 5, 0x55, 7, 3}});
    bench.run(milliseconds(1'500));
    bench.use_disks({0}, {1}, 1);
    bench.run(milliseconds(6'000));
    bench.use_disks({1}, {}, 2);
    bench.break_disk(0);
    bench.run(milliseconds(1'500));
    for (const std::uint32_t node : {1U, 2U}) {
        for (const auto kind : {PageKind::kBallot, PageKind::kRequest, PageKind::kWitness}) {
            EXPECT_FALSE(bench.raw(1, node, kind).empty());
        }
    }
    bench.feed(1, ReadAnew{1});
    bench.run(milliseconds(300));
    ASSERT_EQ(bench.readings().size(), 1U);
    EXPECT_EQ(everything(bench.readings().front()).size(), 1U);
}

TEST(Voter, ANodeIsNotThereBeforeAllItsPagesAre) {
    Bench bench(2);
    bench.start_all();
    bench.refuse(1, PageKind::kWitness);
    bench.use_disks({0}, {1}, 1);
    bench.run(milliseconds(8'000));
    for (const auto& step : bench.status(1).steps) {
        EXPECT_EQ(step.step, 0U);
        EXPECT_TRUE(step.trusted);
    }
    bench.refuse_nothing();
    bench.run(milliseconds(3'000));
    for (const auto& step : bench.status(1).steps) {
        EXPECT_EQ(step.step, 1U);
    }
}

TEST(Voter, OneOfThreeDisksMayFail) {
    Bench bench(2);
    bench.use_disks({0, 1, 2}, {}, 1);
    bench.start_all();
    bench.break_disk(1);
    bench.run(milliseconds(10'000));
    EXPECT_TRUE(bench.casts(1));
    bench.break_disk(2);
    bench.run(milliseconds(6'000));
    EXPECT_FALSE(bench.casts(1));
}

TEST(Voter, ADiskOfAnotherClusterIsNotTrusted) {
    Bench bench(2);
    bench.format(0, {9, 9});
    bench.start_all();
    EXPECT_FALSE(bench.status(1).trusted);
    EXPECT_FALSE(bench.casts(1));
}

}  // namespace
}  // namespace quorate::quorum
