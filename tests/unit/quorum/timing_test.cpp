#include "quorum/timing.hpp"

#include <gtest/gtest.h>

#include "quorum/errc.hpp"

namespace quorate::quorum {
namespace {

using ms = Timing::ms;

TEST(Timing, TheConstantsOfBothModesAreSafe) {
    EXPECT_TRUE(check(Timing::for_watchdog()));
    EXPECT_TRUE(check(Timing::for_soft_mode()));
    EXPECT_EQ(Timing::for_watchdog().mode(), StopMode::kWatchdog);
    EXPECT_EQ(Timing::for_soft_mode().mode(), StopMode::kSoft);
}

// One constant changed, and the one inequality that this breaks.
struct Case {
    const char* name;
    StopMode mode;
    ms Timing::*constant;
    int value;
    const char* rule;
    int missing;
};

class Broken : public ::testing::TestWithParam<Case> {};

TEST_P(Broken, IsNamedWithTheAmount) {
    const auto& test = GetParam();
    auto timing = test.mode == StopMode::kSoft ? Timing::for_soft_mode() : Timing::for_watchdog();
    timing.*test.constant = ms(test.value);
    const auto found = violations(timing);
    ASSERT_EQ(found.size(), 1U) << (found.empty() ? "" : found[0].to_string());
    EXPECT_EQ(found[0].rule, test.rule);
    EXPECT_EQ(found[0].missing, ms(test.missing));
    const auto status = check(timing);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, errc::unsafe_timing);
    EXPECT_NE(status.error().detail.find(test.rule), std::string::npos);
}

constexpr auto kWatchdog = StopMode::kWatchdog;
constexpr auto kSoft = StopMode::kSoft;

INSTANTIATE_TEST_SUITE_P(
    Timing, Broken,
    ::testing::Values(
        Case{"SilenceOfWatchdogMode", kWatchdog, &Timing::silence, 11'000,
             "silence >= (lease + watchdog + guard) * (1 + 2 clock_error)", 22},
        Case{"SilenceOfSoftMode", kSoft, &Timing::silence, 11'000,
             "silence >= (lease + vote_timeout + sync_timeout + guard) * (1 + 2 clock_error)", 22},
        Case{"Lease", kWatchdog, &Timing::lease, 4'999, "lease >= 3 heartbeat + late_io", 1},
        Case{"LateIo", kSoft, &Timing::late_io, 1'500, "lease >= 3 heartbeat + late_io", 500},
        Case{"Poll", kWatchdog, &Timing::poll, 800, "vote_timeout >= 4 poll", 200},
        Case{"Watchdog", kWatchdog, &Timing::watchdog, 2'900, "watchdog >= vote_timeout", 100},
        Case{"SyncTimeout", kWatchdog, &Timing::sync_timeout, 20'000,
             "sync_timeout >= silence + 4 late_io + guard", 1'000},
        Case{"Nothing", kWatchdog, &Timing::poll, 0, "poll >= 1 ms", 1},
        Case{"ForEver", kWatchdog, &Timing::silence, 600'001, "10 min >= silence", 1}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Timing, ALateRenewalNeedsTwoLeases) {
    auto timing = Timing::for_watchdog();
    timing.lease = ms(9'000);
    timing.watchdog = ms(3'000);
    timing.silence = ms(14'000);
    const auto found = violations(timing);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].rule, "silence >= 2 lease * (1 + 2 clock_error)");
    EXPECT_EQ(found[0].missing, ms(4'036));
    EXPECT_EQ(timing.least_silence(), ms(18'036));
}

TEST(Timing, ALeastSilenceIsJustEnough) {
    for (auto timing : {Timing::for_watchdog(), Timing::for_soft_mode()}) {
        timing.silence = timing.least_silence();
        EXPECT_TRUE(check(timing));
        timing.silence -= ms(1);
        EXPECT_FALSE(check(timing));
    }
}

TEST(Timing, SoftModeStopsBeforeTheSilence) {
    auto timing = Timing::for_soft_mode();
    timing.sync_timeout = ms(12'000);
    const auto found = violations(timing);
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[1].rule, "silence > sync_timeout");
}

}  // namespace
}  // namespace quorate::quorum
