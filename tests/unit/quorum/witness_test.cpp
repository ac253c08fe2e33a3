#include "quorum/witness.hpp"

#include <gtest/gtest.h>

namespace quorate::quorum {
namespace {

constexpr Uuid kSet{1, 1};
constexpr Uuid kLineage{2, 2};

Witness word(std::uint64_t generation, std::uint64_t id, std::uint64_t reserved) {
    return {kSet, generation > 0 ? kLineage : Uuid(), generation, id, reserved, 3};
}

TEST(WitnessWords, AReservationIsAboveAllThatIsKnown) {
    const Witnessed nothing;
    EXPECT_TRUE(nothing.admits(word(0, 0, 1)));
    const Witnessed known{word(7, 0x77, 7), word(6, 0x66, 9)};
    EXPECT_FALSE(known.admits(word(7, 0x77, 8)));
    EXPECT_FALSE(known.admits(word(7, 0x77, 9)));
    EXPECT_TRUE(known.admits(word(7, 0x77, 10)));
}

TEST(WitnessWords, AReservationNamesTheGenerationThatIsKnown) {
    for (const auto& known : {Witnessed{word(7, 0x77, 7), {}}, Witnessed{{}, word(7, 0x77, 7)}}) {
        EXPECT_FALSE(known.admits(word(6, 0x66, 8)));
        EXPECT_FALSE(known.admits(word(7, 0x78, 8)));
        EXPECT_FALSE(known.admits(word(8, 0x88, 9)));
        auto forked = word(7, 0x77, 8);
        forked.lineage = {2, 3};
        EXPECT_FALSE(known.admits(forked));
        EXPECT_TRUE(known.admits(word(7, 0x77, 8)));
    }
}

TEST(WitnessWords, AGenerationHasTheGreatestReservedNumber) {
    const Witnessed reserved{word(7, 0x77, 8), word(6, 0x66, 7)};
    EXPECT_TRUE(reserved.admits(word(8, 0x88, 8)));
    EXPECT_FALSE(reserved.admits(word(9, 0x99, 9)));
    EXPECT_FALSE(reserved.admits(word(7, 0x77, 7)));
    const Witnessed overtaken{word(7, 0x77, 8), word(7, 0x77, 9)};
    EXPECT_FALSE(overtaken.admits(word(8, 0x88, 8)));
}

TEST(WitnessWords, OfTwoThatReserveTheSameNumberNeitherHasIt) {
    const Witnessed alone{word(7, 0x77, 8), word(7, 0x77, 7)};
    EXPECT_TRUE(alone.stands(word(7, 0x77, 8)));
    const Witnessed both{word(7, 0x77, 8), word(7, 0x77, 8)};
    EXPECT_FALSE(both.stands(word(7, 0x77, 8)));
    const Witnessed overtaken{word(7, 0x77, 8), word(7, 0x77, 9)};
    EXPECT_FALSE(overtaken.stands(word(7, 0x77, 8)));
    const Witnessed advanced{word(7, 0x77, 9), word(8, 0x88, 8)};
    EXPECT_FALSE(advanced.stands(word(7, 0x77, 9)));
}

TEST(WitnessWords, AGenerationStandsWhileItIsTheNewest) {
    const Witnessed written{word(8, 0x88, 8), word(7, 0x77, 9)};
    EXPECT_TRUE(written.stands(word(8, 0x88, 8)));
    const Witnessed newer{word(8, 0x88, 8), word(9, 0x99, 9)};
    EXPECT_FALSE(newer.stands(word(8, 0x88, 8)));
}

TEST(WitnessWords, AreFoundBySetInBothLists) {
    const auto other = Witness{{1, 2}, kLineage, 3, 3, 3, 1};
    const auto found = Witnessed::find({word(7, 0x77, 7), other}, {word(6, 0x66, 9)}, kSet);
    EXPECT_EQ(found.own, word(7, 0x77, 7));
    EXPECT_EQ(found.others, word(6, 0x66, 9));
    EXPECT_EQ(found.together(), word(7, 0x77, 9));
    EXPECT_EQ(together({word(7, 0x77, 7)}, {other, word(6, 0x66, 9)}),
              (std::vector<Witness>{word(7, 0x77, 9), other}));
}

}  // namespace
}  // namespace quorate::quorum
