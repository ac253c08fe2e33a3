#include "support/fake_clock.hpp"

#include <gtest/gtest.h>

namespace quorate::support {
namespace {

using namespace std::chrono_literals;

TEST(FakeClock, MovesBothClocksTogether) {
    FakeClock clock;
    const auto mono = clock.mono();
    const auto wall = clock.wall();
    clock.advance(90s);
    EXPECT_EQ(clock.mono() - mono, 90s);
    EXPECT_EQ(clock.wall() - wall, 90s);
}

TEST(FakeClock, NeverGoesBack) {
    FakeClock clock;
    const auto mono = clock.mono();
    clock.advance_to(mono - 1s);
    EXPECT_EQ(clock.mono(), mono);
    clock.advance_to(mono + 1s);
    EXPECT_EQ(clock.mono(), mono + 1s);
}

TEST(FakeClock, StepsTheWallClockAlone) {
    FakeClock clock;
    const auto mono = clock.mono();
    const auto wall = clock.wall();
    clock.step_wall(-1h);
    EXPECT_EQ(clock.mono(), mono);
    EXPECT_EQ(clock.wall(), wall - 1h);
}

}  // namespace
}  // namespace quorate::support
