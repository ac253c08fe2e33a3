#include "strangers.hpp"

#include <deque>
#include <string>

#include <gtest/gtest.h>

namespace quorate::cluster {
namespace {

class StrangersTest : public ::testing::Test {
protected:
    bool enter(const std::string& host, bool configured = false) {
        auto place = room_.enter(host, configured);
        const bool in(place);
        if (in) {
            places_.push_back(std::move(place));
        }
        return in;
    }
    std::size_t crowd(const std::string& host, bool configured = false) {
        std::size_t in = 0;
        while (enter(host, configured)) {
            ++in;
        }
        return in;
    }

    Strangers room_;
    std::deque<Strangers::Place> places_;
};

TEST_F(StrangersTest, OneAddressHasEightPlaces) {
    EXPECT_EQ(crowd("192.0.2.1"), 8U);
    EXPECT_EQ(crowd("192.0.2.2"), 8U);
}

TEST_F(StrangersTest, AllUnknownAddressesTogetherHaveSixtyFour) {
    for (int host = 1; host <= 64; ++host) {
        EXPECT_TRUE(enter("192.0.2." + std::to_string(host)));
    }
    EXPECT_FALSE(enter("192.0.2.65"));
}

TEST_F(StrangersTest, WhoeverIsThereAConfiguredNodeHasItsOwnRoom) {
    for (int host = 1; host <= 64; ++host) {
        EXPECT_TRUE(enter("192.0.2." + std::to_string(host)));
    }
    for (const char* host : {"10.0.0.1", "10.0.0.2", "2001:db8::3"}) {
        EXPECT_EQ(crowd(host, /*configured=*/true), 8U);
    }
    EXPECT_FALSE(enter("192.0.2.65"));
}

TEST_F(StrangersTest, WhatConfiguredNodesTakeIsNotTheOthers) {
    for (int host = 1; host <= 20; ++host) {
        EXPECT_EQ(crowd("10.0.0." + std::to_string(host), /*configured=*/true), 8U);
    }
    EXPECT_EQ(crowd("192.0.2.1"), 8U);
}

TEST_F(StrangersTest, WhoLeavesMakesRoom) {
    EXPECT_EQ(crowd("192.0.2.1"), 8U);
    EXPECT_EQ(crowd("10.0.0.1", /*configured=*/true), 8U);
    places_.clear();
    EXPECT_EQ(crowd("192.0.2.1"), 8U);
    EXPECT_EQ(crowd("10.0.0.1", /*configured=*/true), 8U);
}

// The node is added to corosync.conf while its first connection waits.
TEST_F(StrangersTest, APlaceIsGivenBackAsItWasTaken) {
    for (int times = 0; times < 100; ++times) {
        const auto before = room_.enter("10.0.0.1", /*configured=*/false);
        const auto after = room_.enter("10.0.0.1", /*configured=*/true);
        EXPECT_TRUE(before && after);
    }
    for (int host = 1; host <= 64; ++host) {
        EXPECT_TRUE(enter("192.0.2." + std::to_string(host)));
    }
}

}  // namespace
}  // namespace quorate::cluster
