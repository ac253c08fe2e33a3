#include <gtest/gtest.h>

#include "fences.hpp"
#include "pages.hpp"
#include "quorum/voter.hpp"
#include "voter_bench.hpp"

// Fences of a node that may run as another boot than that of its page.
namespace quorate::quorum {
namespace {

using std::chrono::milliseconds;
using testing::Bench;

constexpr const char* kAnotherBoot =
    "its machine may have started again since its page was written";

TEST(OtherBoot, ThatWasSeenAndHasNotWrittenIsNotFencedBySilence) {
    Bench bench(3);
    bench.start_all();
    bench.reboot(3);
    bench.break_path(3);
    bench.start(3);
    bench.ring({1, 2, 3});
    bench.run(milliseconds(2'000));
    bench.split({1, 2}, {3});
    bench.feed(1, FenceWanted{NodeId(3), "test"});
    bench.run(milliseconds(45'000));
    expect_refused(bench, kAnotherBoot);
}

TEST(OtherBoot, ThatOnlyAnotherMemberHasSeenIsNotFencedBySilence) {
    Bench bench(3);
    bench.start_all();
    bench.reboot(3);
    bench.break_path(3);
    bench.start(3);
    bench.split({1}, {2, 3});
    bench.run(milliseconds(3'000));
    bench.split({1, 2}, {3});
    bench.feed(1, FenceWanted{NodeId(3), "test"});
    bench.run(milliseconds(45'000));
    expect_refused(bench, kAnotherBoot);
}

// Its voter stands still while Corosync meets that boot, and its own machine is reset then.
TEST(OtherBoot, MayHaveBeenInARingThatTheVoterMissed) {
    Bench bench(2);
    bench.start_all();
    bench.kill(1);
    bench.reboot(2);
    bench.break_path(2);
    bench.start(2);
    bench.ring({1, 2});
    bench.run(milliseconds(2'000));
    bench.ring({2});
    bench.reboot(1);
    bench.start(1);
    bench.ring({1});
    bench.run(milliseconds(30'000));
    bench.feed(1, kSecond);
    bench.run(milliseconds(45'000));
    expect_refused(bench, kAnotherBoot);
}

// Who saw it there is in the next life's first ring, and leaves without a word of it.
TEST(OtherBoot, MayHaveBeenInARingThatTheVoterMissedWithOneThatHasLeft) {
    Bench bench(3, /*disk_votes=*/2);
    bench.start_all();
    bench.kill(1);
    bench.reboot(3);
    bench.break_path(3);
    bench.start(3);
    bench.ring({1, 2, 3});
    bench.run(milliseconds(2'000));
    bench.split({2}, {3});
    bench.reboot(1);
    bench.start(1);
    bench.ring({1, 2});
    bench.run(milliseconds(5'000));
    bench.kill(2);
    bench.ring({1});
    bench.run(milliseconds(30'000));
    bench.feed(1, FenceWanted{NodeId(3), "test"});
    bench.run(milliseconds(45'000));
    expect_refused(bench, kAnotherBoot);
}

// It gives its word without having read its own page.
TEST(OtherBoot, MayHaveBeenInARingThatAVoterWithoutAPathMissed) {
    Bench bench(4, /*disk_votes=*/1);
    bench.start_all();
    bench.kill(1);
    bench.reboot(3);
    bench.break_path(3);
    bench.start(3);
    bench.split({1, 3, 4}, {2});
    bench.run(milliseconds(2'000));
    bench.kill(4);
    bench.ring({3});
    bench.reboot(1);
    bench.break_path(1);
    bench.start(1);
    bench.ring({1, 2});
    bench.run(milliseconds(5'000));
    bench.feed(2, FenceWanted{NodeId(3), "test"});
    bench.run(milliseconds(45'000));
    expect_refused(bench, kAnotherBoot);
}

// After a loss of all power one alone comes back, and fences the other.
TEST(OtherBoot, IsNotLookedForWhereNoRingWasMissed) {
    Bench bench(2);
    bench.start_all();
    bench.kill(2);
    bench.reboot(1);
    bench.start(1);
    bench.ring({1});
    bench.run(milliseconds(30'000));
    bench.feed(1, kSecond);
    bench.run(milliseconds(45'000));
    expect_done(bench, "silent, and its watchdog has run out");
}

TEST(OtherBoot, IsNotForgottenByTheNextLifeOfWhoSawIt) {
    Bench bench(3);
    bench.start_all();
    bench.reboot(3);
    bench.break_path(3);
    bench.break_path(1);
    bench.start(3);
    bench.ring({1, 2, 3});
    bench.run(milliseconds(2'000));
    bench.kill(2);
    bench.reboot(1);
    bench.mend_path(1);
    bench.start(1);
    bench.split({1}, {3});
    bench.run(milliseconds(20'000));
    bench.feed(1, FenceWanted{NodeId(3), "test"});
    bench.run(milliseconds(45'000));
    ASSERT_EQ(bench.fences().size(), 1U);
    EXPECT_FALSE(bench.fences().front().done) << bench.fences().front().text;
}

TEST(OtherBoot, ThatRanBeforeIsAskedItself) {
    Bench bench(2);
    bench.start_all();
    bench.reboot(2);
    bench.break_path(2);
    bench.start(2);
    bench.ring({1, 2});
    bench.run(milliseconds(2'000));
    bench.feed(1, kSecond);
    bench.run(milliseconds(2'000));
    bench.mend_path(2);
    bench.run(milliseconds(4'000));
    EXPECT_TRUE(bench.fences().empty()) << bench.fences().front().text;
    bench.run(milliseconds(20'000));
    EXPECT_EQ(bench.status(2).state, VoterState::kEvicted);
    expect_done(bench, "it obeyed, and its watchdog has run out since");
}

// Who is asked may not have heard yet that its Corosync is in a ring with the new boot.
TEST(OtherBoot, ThatWantsItsOwnEndIsNotTakenForTheOneBefore) {
    Bench bench(2);
    bench.start_all();
    bench.reboot(2);
    bench.refuse(0, PageKind::kHeartbeat);
    bench.start(2);
    bench.ring({1, 2});
    bench.run(milliseconds(1'000));
    bench.feed(2, kSecond);
    bench.refuse_nothing();
    bench.run(milliseconds(20'000));
    ASSERT_EQ(bench.fences().size(), 1U);
    EXPECT_FALSE(bench.fences().front().done) << bench.fences().front().text;
}

TEST(OtherBoot, MayBeInARingThatSomebodyHasNotHeardOf) {
    for (const std::uint32_t behind : {1U, 2U}) {
        Bench bench(5);
        bench.start_all();
        bench.reboot(3);
        bench.ring({1, 2, 4, 5});
        bench.run(milliseconds(2'300));
        bench.freeze_corosync(behind);
        bench.break_path(3);
        bench.start(3);
        bench.feed(1, FenceWanted{NodeId(3), "test"});
        bench.run(milliseconds(1'500));
        bench.thaw_corosync(behind);
        bench.ring({1, 2, 3, 4, 5});
        bench.mend_path(3);
        bench.run(milliseconds(4'000));
        EXPECT_TRUE(bench.fences().empty()) << bench.fences().front().text;
        bench.run(milliseconds(20'000));
        EXPECT_EQ(bench.status(3).state, VoterState::kEvicted);
        expect_done(bench, "it obeyed, and its watchdog has run out since");
    }
}

TEST(OtherBoot, IsKnownByTheRingThatThePageShows) {
    Bench bench(2);
    bench.start_all();
    bench.reboot(2);
    bench.start(2);
    bench.ring({1, 2});
    bench.run(milliseconds(15'000));
    bench.kill(2);
    bench.ring({1});
    bench.feed(1, kSecond);
    bench.run(milliseconds(15'000));
    expect_done(bench, "silent, and its watchdog has run out");
}

}  // namespace
}  // namespace quorate::quorum
