#include "cluster/floor.hpp"

#include <gtest/gtest.h>

#include "cluster/errc.hpp"
#include "support/hex.hpp"

namespace quorate::cluster {
namespace {

MemberId life(std::uint32_t node, std::uint64_t incarnation) {
    return {NodeId(node), Incarnation(incarnation)};
}

// The worked example of docs/formats/epoch-floor.md.
Floor example() {
    Floor floor;
    floor.epoch = Epoch(9);
    floor.lineage.epoch = Epoch(8);
    floor.lineage.known = Epoch(7);
    floor.lineage.level = 1;
    floor.lineage.members = {life(1, 0xa1), life(2, 0xa2)};
    floor.lineage.lost = {life(3, 0xa3)};
    return floor;
}

TEST(Floor, TheDocumentedExample) {
    EXPECT_EQ(support::hex(encode(example())),
              "51464c52"  // magic
              "0100"      // version
              "0000"      // reserved
              "42000000"  // size of the fields
              "0900000000000000"
              "0800000000000000"
              "0700000000000000"
              "0100"
              "0200"
              "01000000a100000000000000"
              "02000000a200000000000000"
              "0100"
              "03000000a300000000000000"
              "ec045333");
}

TEST(Floor, IsReadAsWritten) {
    EXPECT_EQ(*decode_floor(encode(example())), example());
    EXPECT_EQ(*decode_floor(encode(Floor{})), Floor{});
}

TEST(Floor, EveryDamagedByteAndEveryCutIsNoticed) {
    const auto bytes = encode(example());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        auto damaged = bytes;
        damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
        EXPECT_FALSE(decode_floor(damaged)) << "byte " << i;
        EXPECT_FALSE(decode_floor(bytes.substr(0, i))) << "cut at " << i;
    }
    EXPECT_FALSE(decode_floor(bytes + '\0'));
}

TEST(Floor, AnotherMajorVersionIsToldApartFromDamage) {
    auto bytes = encode(example());
    bytes[4] = 2;
    EXPECT_EQ(decode_floor(bytes).error().code, errc::unsupported_version);
}

TEST(Floor, TheLargestFitsItsLimit) {
    Floor floor = example();
    floor.lineage.members.assign(kMaxMembers, life(1, 1));
    floor.lineage.lost.assign(kMaxLost, life(2, 2));
    EXPECT_LE(encode(floor).size(), kMaxFloorBytes);
    EXPECT_EQ(*decode_floor(encode(floor)), floor);
    floor.lineage.lost.push_back(life(2, 2));
    EXPECT_FALSE(decode_floor(encode(floor)));
    EXPECT_EQ(decode_floor(std::string(kMaxFloorBytes + 1, 'x')).error().code, errc::too_large);
}

TEST(Floor, ALineageKnowsOnlyOfEarlierOnes) {
    auto floor = example();
    floor.lineage.known = Epoch(8);
    EXPECT_FALSE(decode_floor(encode(floor)));
}

TEST(Floor, MergingALineageThatTheNewerDoesNotKnowKeepsWhatBothAllow) {
    auto newer = example();
    newer.lineage.known = Epoch(3);
    auto older = example();
    older.lineage.epoch = Epoch(4);
    older.lineage.known = Epoch(1);
    older.lineage.level = 2;
    older.lineage.members = {life(2, 0xa2), life(4, 0xa4)};
    older.lineage.lost = {life(1, 0xa0)};
    const auto merged = merge(older, newer);
    EXPECT_EQ(merged, merge(newer, older));
    EXPECT_EQ(merged.lineage.epoch, Epoch(8));
    EXPECT_EQ(merged.lineage.known, Epoch(3));
    EXPECT_EQ(merged.lineage.level, 2);
    EXPECT_EQ(merged.lineage.members, std::vector{life(2, 0xa2)});
    EXPECT_EQ(merged.lineage.lost,
              (std::vector{life(1, 0xa0), life(1, 0xa1), life(3, 0xa3), life(4, 0xa4)}));
    newer.lineage.known = Epoch(4);
    EXPECT_EQ(merge(older, newer).lineage, newer.lineage);
}

TEST(Floor, ALineageAboveItsFloorIsRefused) {
    auto floor = example();
    floor.epoch = Epoch(7);
    EXPECT_FALSE(decode_floor(encode(floor)));
}

TEST(Floor, MergingKeepsTheGreaterEpochAndTheNewerLineage) {
    Floor other;
    other.epoch = Epoch(12);
    other.lineage.epoch = Epoch(3);
    const auto merged = merge(example(), other);
    EXPECT_EQ(merged.epoch, Epoch(12));
    EXPECT_EQ(merged.lineage, example().lineage);
}

}  // namespace
}  // namespace quorate::cluster
