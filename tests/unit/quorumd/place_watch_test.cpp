#include "place_watch.hpp"

#include <gtest/gtest.h>

namespace quorate::quorum {
namespace {

constexpr Incarnation kSelf{7};
constexpr Incarnation kOther{6};
constexpr Incarnation kGreater{8};

TEST(PlaceWatchTest, OwnPagesProveNothing) {
    PlaceWatch::Sightings sightings(kSelf);
    for (std::uint64_t sequence = 1; sequence < 10; ++sequence) {
        EXPECT_FALSE(sightings.add(kSelf, sequence));
    }
}

TEST(PlaceWatchTest, AnEarlierLifesPageStandsStill) {
    PlaceWatch::Sightings sightings(kSelf);
    for (int n = 0; n < 10; ++n) {
        EXPECT_FALSE(sightings.add(kOther, 41));
    }
}

TEST(PlaceWatchTest, ItsLastWritingMayLandLateOnce) {
    PlaceWatch::Sightings sightings(kSelf);
    EXPECT_FALSE(sightings.add(kOther, 41));
    EXPECT_FALSE(sightings.add(kSelf, 1'066));
    EXPECT_FALSE(sightings.add(kOther, 42));
    EXPECT_FALSE(sightings.add(kOther, 42));
}

TEST(PlaceWatchTest, APageThatMovesTwiceIsOfAVoterThatLives) {
    PlaceWatch::Sightings sightings(kSelf);
    EXPECT_FALSE(sightings.add(kOther, 41));
    EXPECT_FALSE(sightings.add(kOther, 42));
    EXPECT_TRUE(sightings.add(kOther, 45));
    EXPECT_FALSE(sightings.prevails());
}

TEST(PlaceWatchTest, OfTwoThatLiveTheGreaterIncarnationEnds) {
    PlaceWatch::Sightings lesser(kSelf);
    PlaceWatch::Sightings greater(kGreater);
    for (std::uint64_t sequence = 41; sequence < 50; ++sequence) {
        EXPECT_FALSE(lesser.add(kGreater, sequence));
        EXPECT_EQ(greater.add(kSelf, sequence), sequence >= 43);
    }
    EXPECT_TRUE(lesser.prevails());
    EXPECT_FALSE(greater.prevails());
}

TEST(PlaceWatchTest, WhoWasThrownOutBySomebodyThatWasNotSeenPrevails) {
    PlaceWatch::Sightings sightings(kSelf);
    EXPECT_TRUE(sightings.prevails());
    EXPECT_FALSE(sightings.add(kOther, 41));
    EXPECT_TRUE(sightings.prevails());
}

}  // namespace
}  // namespace quorate::quorum
