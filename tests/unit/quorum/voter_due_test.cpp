#include <gtest/gtest.h>

#include "voter_bench.hpp"

// What a voter costs while nothing happens.
namespace quorate::quorum {
namespace {

using std::chrono::milliseconds;
using testing::Bench;

constexpr milliseconds kWhile(20'000);  // 20 intervals

// One at either end may fall on this side or on that.
void expect_about(int count, int expected) {
    EXPECT_GE(count, expected - 1);
    EXPECT_LE(count, expected + 1);
}

class Quiet : public ::testing::TestWithParam<StopMode> {
protected:
    Timing timing() const {
        return GetParam() == StopMode::kSoft ? Timing::for_soft_mode() : Timing::for_watchdog();
    }
    // Each of: a poll in half an interval, a heartbeat, a reading and words to others in one.
    static constexpr int kTicksWithoutWatchdog = 20 * (2 + 1 + 1 + 1);
    int most_ticks() const {
        return kTicksWithoutWatchdog + (GetParam() == StopMode::kSoft ? 0 : 20 * 4) + 4;
    }
};

TEST_P(Quiet, OneWritingAndOneReadingInEachInterval) {
    Bench bench(2, 1, timing());
    bench.start_all();
    bench.run(timing().silence + timing().lease);
    for (const std::uint32_t node : {1U, 2U}) {
        EXPECT_TRUE(bench.casts(node));
        static_cast<void>(bench.work(node));
    }
    bench.run(kWhile);
    for (const std::uint32_t node : {1U, 2U}) {
        const auto work = bench.work(node);
        expect_about(work.writes, 20);
        expect_about(work.reads, 20);
        expect_about(work.polls, 40);
        EXPECT_LE(work.words, 21);
        EXPECT_LE(work.ticks, most_ticks());
        EXPECT_TRUE(bench.casts(node));
    }
}

TEST_P(Quiet, ALoserSleepsTheSameWay) {
    Bench bench(2, 1, timing());
    bench.start_all();
    bench.split({1}, {2});
    bench.run(2 * timing().silence + timing().lease);
    EXPECT_FALSE(bench.casts(2));
    static_cast<void>(bench.work(2));
    bench.run(kWhile);
    const auto work = bench.work(2);
    expect_about(work.writes, 20);
    expect_about(work.reads, 20);
    EXPECT_LE(work.ticks, most_ticks());
}

TEST_P(Quiet, WithoutAPathToTheDiskItDoesNotSpin) {
    Bench bench(2, 1, timing());
    bench.break_path(2);
    bench.start_all();
    bench.run(timing().silence + timing().lease);
    static_cast<void>(bench.work(2));
    bench.run(kWhile);
    EXPECT_LE(bench.work(2).ticks, most_ticks());
}

TEST_P(Quiet, WhenTheDiskGoesAwayItDoesNotSpin) {
    Bench bench(2, 1, timing());
    bench.start_all();
    bench.run(timing().silence + timing().lease);
    bench.break_disk(0);
    static_cast<void>(bench.work(1));
    bench.run(kWhile);
    EXPECT_FALSE(bench.casts(1));
    EXPECT_LE(bench.work(1).ticks, most_ticks());
}

INSTANTIATE_TEST_SUITE_P(Voter, Quiet, ::testing::Values(StopMode::kWatchdog, StopMode::kSoft),
                         [](const auto& test) {
                             return test.param == StopMode::kSoft ? "Soft" : "Watchdog";
                         });

}  // namespace
}  // namespace quorate::quorum
