#include "mail/auth/failure_meter.hpp"

#include <gtest/gtest.h>

namespace quorate::mail::auth {
namespace {

using std::chrono::milliseconds;

TEST(FailureMeter, DelaysGrowToAMinuteAndEndWithSuccess) {
    FailureMeter meter(milliseconds(2000));
    const MonoTime now{};
    EXPECT_EQ(meter.failed("192.0.2.1", now), milliseconds(2000));
    EXPECT_EQ(meter.failed("192.0.2.1", now), milliseconds(2000));
    EXPECT_EQ(meter.failed("192.0.2.1", now), milliseconds(4000));
    for (int i = 0; i < 50; ++i) {
        meter.failed("192.0.2.1", now);
    }
    EXPECT_EQ(meter.failed("192.0.2.1", now), milliseconds(60000));
    EXPECT_EQ(meter.failed("192.0.2.2", now), milliseconds(2000)) << "others are not slowed down";
    meter.succeeded("192.0.2.1");
    EXPECT_EQ(meter.failed("192.0.2.1", now), milliseconds(2000));
}

TEST(FailureMeter, ForgetsWithTime) {
    FailureMeter meter(milliseconds(1000));
    const MonoTime start{};
    for (int i = 0; i < 8; ++i) {
        meter.failed("x", start);
    }
    EXPECT_EQ(meter.failed("x", start + std::chrono::hours(2)), milliseconds(1000));
}

TEST(FailureMeter, MemoryIsBounded) {
    FailureMeter meter(milliseconds(1));
    for (int i = 0; i < 100'000; ++i) {
        meter.failed(std::to_string(i), MonoTime{});
    }
    EXPECT_LE(meter.size(), 65'536U);
}

}  // namespace
}  // namespace quorate::mail::auth
