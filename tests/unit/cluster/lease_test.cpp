#include "cluster/lease.hpp"

#include <gtest/gtest.h>

#include "cluster/machine.hpp"

namespace quorate::cluster {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kLength{1500};

MemberId id(std::uint32_t node, std::uint64_t incarnation = 1) {
    return {NodeId(node), Incarnation(incarnation)};
}

// Members 1, 2, ... with these votes.
View view(std::vector<std::uint32_t> votes, std::uint32_t quorum, std::uint64_t epoch = 5) {
    View view;
    view.epoch = Epoch(epoch);
    view.quorate = true;
    view.quorum = quorum;
    for (std::uint32_t node = 1; node <= votes.size(); ++node) {
        Member member;
        member.id = id(node);
        member.votes = votes[node - 1];
        view.members.push_back(member);
    }
    return view;
}

class LeaseOfOne : public ::testing::Test {
protected:
    BootTime at(int ms) const { return start_ + milliseconds(ms); }
    LeasePage page(int ms) const { return lease_.page(at(ms)); }
    // Until when it runs, in milliseconds since the start; 0: it does not.
    double until(int ms) const {
        const auto now = page(ms);
        return now.state == LeaseState::kRunning
                   ? std::chrono::duration<double, std::milli>(now.deadline - start_).count()
                   : 0;
    }
    void adopt(const View& view, int ms = 0) { lease_.adopt(at(ms), view); }
    bool gives(int ms, MemberId to) { return lease_.acknowledges(at(ms), to, kLength); }

    BootTime start_{seconds(1000)};
    Lease lease_{LeaseOptions{id(1), kLength, false}, start_};
};

TEST_F(LeaseOfOne, ItRunsFromTheSendingOfWhatAQuorumAcknowledged) {
    adopt(view({1, 1, 1}, 2));
    EXPECT_EQ(page(0).reason, StallReason::kUnheard);
    lease_.sent(at(100));
    EXPECT_EQ(until(100), 0) << "its own vote is not enough";
    lease_.acknowledged(id(2), at(100));
    EXPECT_EQ(until(900), 1600) << "from the sending, however late the answer";
    EXPECT_EQ(page(1599).state, LeaseState::kRunning);
    EXPECT_EQ(page(1600).state, LeaseState::kStalled);
    EXPECT_EQ(page(1600).reason, StallReason::kUnheard);
    lease_.sent(at(1700));
    lease_.acknowledged(id(3), at(1700));
    EXPECT_EQ(until(1800), 3200) << "it goes on";
}

TEST_F(LeaseOfOne, TheOldestOfTheNewestQuorumCounts) {
    adopt(view({1, 1, 1, 1, 1}, 3));
    lease_.sent(at(400));
    lease_.acknowledged(id(2), at(300));
    lease_.acknowledged(id(3), at(200));
    lease_.acknowledged(id(4), at(100));
    EXPECT_EQ(until(400), 200 + 1500);
    lease_.acknowledged(id(3), at(100));
    EXPECT_EQ(until(400), 200 + 1500) << "an older answer changes nothing";
}

TEST_F(LeaseOfOne, VotesCountNotHeads) {
    adopt(view({1, 0, 3}, 3));
    lease_.sent(at(100));
    lease_.acknowledged(id(2), at(100));
    EXPECT_EQ(until(100), 0);
    lease_.acknowledged(id(3), at(50));
    EXPECT_EQ(until(100), 1550);
}

TEST_F(LeaseOfOne, StrangersDoNotCount) {
    adopt(view({1, 1, 1}, 2));
    lease_.sent(at(100));
    lease_.acknowledged(id(9), at(100));
    lease_.acknowledged(id(2, 77), at(100));
    EXPECT_EQ(until(100), 0);
}

TEST_F(LeaseOfOne, ALargerQuorumThatWasVouchedForCountsAtOnce) {
    adopt(view({1, 1, 1}, 2));
    lease_.sent(at(0));
    lease_.acknowledged(id(2), at(0));
    EXPECT_EQ(until(10), 1500);
    lease_.raise_quorum(3);
    EXPECT_EQ(until(10), 0);
}

TEST_F(LeaseOfOne, WithoutViewQuorumOrPurposeItDoesNotRun) {
    EXPECT_EQ(page(0).reason, StallReason::kForming);
    auto minority = view({1, 1, 1}, 2);
    minority.quorate = false;
    adopt(minority);
    EXPECT_EQ(page(0).reason, StallReason::kNoQuorum);
    adopt(view({1}, 1));
    lease_.sent(at(0));
    EXPECT_EQ(page(0).state, LeaseState::kRunning);
    lease_.lose_quorum();
    EXPECT_EQ(page(0).reason, StallReason::kNoQuorum);
    adopt(view({1}, 1, 6));
    EXPECT_EQ(page(0).state, LeaseState::kRunning);
    lease_.stop();
    EXPECT_EQ(page(0).reason, StallReason::kStopped);
}

TEST_F(LeaseOfOne, ExpelledIsFinal) {
    lease_.expel();
    adopt(view({1}, 1));
    lease_.sent(at(0));
    EXPECT_EQ(page(0).state, LeaseState::kExpelled);
    EXPECT_FALSE(gives(0, id(1)));
}

TEST_F(LeaseOfOne, SoloItRunsForEver) {
    lease_ = Lease(LeaseOptions{id(1), kLength, true}, start_);
    adopt(view({1}, 1));
    EXPECT_EQ(page(1'000'000).deadline, kLeaseForEver);
}

// ---- the quorum disk

TEST_F(LeaseOfOne, TheDiskCountsFromTheAskingAndNotBeyondItsOwnLease) {
    adopt(view({1}, 2));
    lease_.disk_held(1, at(4000));
    EXPECT_TRUE(lease_.needs_disk(at(100)));
    lease_.sent(at(150));
    lease_.ask_disk(at(100));
    EXPECT_EQ(until(150), 0);
    lease_.disk_read(Epoch(5));
    EXPECT_EQ(until(150), 1600);
    lease_.disk_held(1, at(700));
    EXPECT_EQ(until(150), 700);
    lease_.disk_held(0, at(700));
    EXPECT_EQ(until(150), 0);
}

TEST_F(LeaseOfOne, AFloorAboveTheViewsIsNoAcknowledgement) {
    adopt(view({1}, 2));
    lease_.disk_held(1, at(4000));
    lease_.sent(at(100));
    lease_.ask_disk(at(100));
    lease_.disk_read(Epoch(6));
    EXPECT_EQ(until(150), 0);
}

TEST_F(LeaseOfOne, AReadFromBeforeTheViewIsNone) {
    adopt(view({1}, 2));
    lease_.disk_held(1, at(4000));
    lease_.ask_disk(at(100));
    adopt(view({1}, 2, 7), 110);
    lease_.disk_read(Epoch(7));
    lease_.sent(at(120));
    EXPECT_EQ(until(150), 0);
}

TEST_F(LeaseOfOne, TheDiskIsNotAskedWhileMembersKeepTheLeaseGoing) {
    adopt(view({1, 1}, 2));
    lease_.disk_held(1, at(4000));
    lease_.sent(at(100));
    lease_.acknowledged(id(2), at(100));
    EXPECT_FALSE(lease_.needs_disk(at(300)));
    EXPECT_TRUE(lease_.needs_disk(at(900)));
    EXPECT_FALSE(lease_.needs_disk(at(4000))) << "not held";
}

// ---- leases of others

TEST_F(LeaseOfOne, OnlyMembersAreAcknowledged) {
    EXPECT_FALSE(gives(0, id(2)));
    adopt(view({1, 1}, 2));
    EXPECT_TRUE(gives(0, id(2)));
    EXPECT_FALSE(gives(0, id(2, 9)));
    EXPECT_FALSE(gives(0, id(3)));
    EXPECT_FALSE(lease_.acknowledges(at(0), id(2), kLeaseMax + milliseconds(1)));
    adopt(view({1}, 1, 6), 50);
    EXPECT_FALSE(gives(60, id(2)));
}

TEST_F(LeaseOfOne, ALostLeaseIsOverItsLengthAfterTheLastAcknowledgementClocksIncluded) {
    adopt(view({1, 1}, 2));
    gives(10'000, id(2));
    gives(20'000, id(2));
    adopt(view({1}, 1, 6), 20'100);
    const auto over = lease_.over(id(2));
    // The other's clock at 0.999 of real time, this one's at 1.001.
    EXPECT_GE(over, at(20'000) + microseconds(1'500'000 * 1001LL / 999 + 1));
    EXPECT_LE(over, at(20'000) + milliseconds(1504));
}

TEST_F(LeaseOfOne, WhatThisLifeDoesNotKnowMayHaveBeenUntilItsStart) {
    adopt(view({1}, 1));
    EXPECT_GE(lease_.over(id(2)), start_ + kLeaseMax * 1001 / 999);
    EXPECT_EQ(lease_.over(id(1, 9)), start_) << "its own page it has taken over";
}

TEST_F(LeaseOfOne, AViewThatNeedsTheDiskCountsFromItsAdoption) {
    adopt(view({1, 1}, 2));
    gives(1000, id(2));
    adopt(view({1}, 2, 6), 60'000);
    EXPECT_GE(lease_.over(id(2)), at(60'000) + kLength);
}

TEST_F(LeaseOfOne, AcknowledgementsAreRememberedAcrossViewsWithoutTheOther) {
    adopt(view({1, 1}, 2));
    gives(10'000, id(2));
    auto alone = view({1}, 2, 6);
    alone.quorate = false;
    adopt(alone, 10'100);
    adopt(view({1}, 1, 7), 10'200);
    EXPECT_GE(lease_.over(id(2)), at(11'500));
}

}  // namespace
}  // namespace quorate::cluster
