#include "place_watch.hpp"

#include <gtest/gtest.h>

#include "quorum/heartbeat.hpp"
#include "quorum/page.hpp"

namespace quorate::quorum {
namespace {

constexpr NodeId kNode{2};
constexpr DiskNumber kDisk{0};
constexpr Incarnation kSelf{7};
constexpr Incarnation kOther{6};
constexpr Incarnation kGreater{8};

TEST(PlaceWatchTest, OwnPagesProveNothing) {
    PlaceWatch watch(kNode, kSelf);
    for (std::uint64_t sequence = 1; sequence < 10; ++sequence) {
        EXPECT_FALSE(watch.add(kDisk, kSelf, sequence));
    }
}

TEST(PlaceWatchTest, AnEarlierLifesPageStandsStill) {
    PlaceWatch watch(kNode, kSelf);
    for (int n = 0; n < 10; ++n) {
        EXPECT_FALSE(watch.add(kDisk, kOther, 41));
    }
}

TEST(PlaceWatchTest, ItsLastWritingMayLandLateOnce) {
    PlaceWatch watch(kNode, kSelf);
    EXPECT_FALSE(watch.add(kDisk, kOther, 41));
    EXPECT_FALSE(watch.add(kDisk, kSelf, 1'066));
    EXPECT_FALSE(watch.add(kDisk, kOther, 42));
    EXPECT_FALSE(watch.add(kDisk, kOther, 42));
}

TEST(PlaceWatchTest, APageThatMovesTwiceIsOfAVoterThatLives) {
    PlaceWatch watch(kNode, kSelf);
    EXPECT_FALSE(watch.add(kDisk, kOther, 41));
    EXPECT_FALSE(watch.add(kDisk, kOther, 42));
    EXPECT_TRUE(watch.add(kDisk, kOther, 45));
    EXPECT_FALSE(watch.prevails());
}

TEST(PlaceWatchTest, OfTwoThatLiveTheGreaterIncarnationEnds) {
    PlaceWatch lesser(kNode, kSelf);
    PlaceWatch greater(kNode, kGreater);
    for (std::uint64_t sequence = 41; sequence < 50; ++sequence) {
        EXPECT_FALSE(lesser.add(kDisk, kGreater, sequence));
        EXPECT_EQ(greater.add(kDisk, kSelf, sequence), sequence >= 43);
    }
    EXPECT_TRUE(lesser.prevails());
    EXPECT_FALSE(greater.prevails());
}

TEST(PlaceWatchTest, WhoWasThrownOutBySomebodyThatWasNotSeenPrevails) {
    PlaceWatch watch(kNode, kSelf);
    EXPECT_TRUE(watch.prevails());
    EXPECT_FALSE(watch.add(kDisk, kOther, 41));
    EXPECT_TRUE(watch.prevails());
}

TEST(PlaceWatchTest, WhatADeadLifeLeftOnSeveralDisksDoesNotMove) {
    PlaceWatch watch(kNode, kSelf);
    for (int round = 0; round < 4; ++round) {
        EXPECT_FALSE(watch.add(DiskNumber(0), kOther, 42));
        EXPECT_FALSE(watch.add(DiskNumber(1), kOther, 41));
        EXPECT_FALSE(watch.add(DiskNumber(2), kOther, 40));
    }
    EXPECT_TRUE(watch.prevails());
}

TEST(PlaceWatchTest, LooksAtItsOwnPageAmongAll) {
    PlaceWatch watch(kNode, kSelf);
    std::string pages(pages_for(3) * kPageBytes, '\0');
    bool found = watch.read(kDisk, pages);
    for (std::uint64_t sequence = 41; sequence < 44; ++sequence) {
        EXPECT_FALSE(found);
        Heartbeat page;
        page.node = kNode;
        page.incarnation = kOther;
        page.sequence = sequence;
        const auto bytes = encode(page);
        pages.replace(page_of(kNode, PageKind::kHeartbeat, 0) * kPageBytes, kPageBytes, bytes);
        EXPECT_FALSE(watch.read(kDisk, pages.substr(0, kPageBytes))) << "cut short";
        found = watch.read(kDisk, pages);
    }
    EXPECT_TRUE(found);
}

TEST(PlaceWatchTest, TheTwoSidesOfADeadLifesPageDoNotMove) {
    PlaceWatch watch(kNode, kSelf);
    std::string pages(pages_for(3) * kPageBytes, '\0');
    for (std::uint32_t side = 0; side < kSides; ++side) {
        Heartbeat page;
        page.node = kNode;
        page.incarnation = kOther;
        page.sequence = 41 + side;
        const auto at = page_of(kNode, PageKind::kHeartbeat, side) * kPageBytes;
        pages.replace(at, kPageBytes, encode(page));
    }
    for (int round = 0; round < 4; ++round) {
        EXPECT_FALSE(watch.read(kDisk, pages));
    }
    EXPECT_TRUE(watch.prevails());
}

}  // namespace
}  // namespace quorate::quorum
