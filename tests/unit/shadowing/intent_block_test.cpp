#include "shadowing/intent_block.hpp"

#include <gtest/gtest.h>

#include "examples.hpp"
#include "shadowing/errc.hpp"

namespace quorate::shadowing {
namespace {

using testing::example_intent;

IntentBlock numbered(std::uint64_t sequence) {
    auto block = example_intent();
    block.sequence = sequence;
    return block;
}

Result<std::optional<IntentBlock>> choose(std::string even, std::string odd) {
    return choose_intent({std::move(even), std::move(odd)}, {0, 0x5e}, OpenerSlot(1));
}

TEST(IntentBlock, IsReadAsWritten) {
    EXPECT_EQ(*decode_intent_block(encode(example_intent())), example_intent());
    auto full = example_intent();
    full.regions.clear();
    for (std::uint32_t i = 0; i < kMaxHotRegions; ++i) {
        full.regions.push_back(i * 7);
    }
    EXPECT_EQ(*decode_intent_block(encode(full)), full);
    full.regions.clear();
    EXPECT_EQ(*decode_intent_block(encode(full)), full);
}

TEST(IntentBlock, TheChangeMapIsReadAsWritten) {
    auto block = example_intent();
    begin_changes(block, 7, 0);
    mark_changed(block, 5);
    mark_changed(block, 300);
    EXPECT_EQ(*decode_intent_block(encode(block)), block);
    EXPECT_EQ(changed_regions(block, 7), (std::set<std::uint32_t>{0, 3, 5, 300}));
    EXPECT_EQ(changed_regions(block, 8), (std::set<std::uint32_t>{0, 3})) << "of another map";
}

TEST(IntentBlock, WhenTheSetGrowsABitOfTheChangeMapStandsForMore) {
    auto block = example_intent();
    block.regions.clear();
    begin_changes(block, 7, 0);
    mark_changed(block, 5);
    begin_changes(block, 7, 2);
    EXPECT_EQ(changed_regions(block, 7), (std::set<std::uint32_t>{4, 5, 6, 7}));
    EXPECT_EQ(changed_shift_for(std::uint64_t{kChangedBits} << 10, 10), 0);
    EXPECT_EQ(changed_shift_for((std::uint64_t{kChangedBits} << 10) + 1, 10), 1);
}

TEST(IntentBlock, EveryDamagedOctetAndEveryCutIsNoticed) {
    const auto bytes = encode(example_intent());
    ASSERT_EQ(bytes.size(), kIntentOctets);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i == 5) {
            continue;  // the minor version
        }
        auto damaged = bytes;
        damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
        EXPECT_FALSE(decode_intent_block(damaged)) << "octet " << i;
        EXPECT_FALSE(decode_intent_block(std::string_view(bytes).substr(0, i))) << "cut at " << i;
    }
}

TEST(IntentBlock, AnotherMajorVersionAndNothingAreToldApartFromDamage) {
    auto bytes = encode(example_intent());
    bytes[4] = 3;
    EXPECT_EQ(decode_intent_block(bytes).error().code, errc::unsupported_version);
    EXPECT_EQ(decode_intent_block(std::string(kIntentOctets, '\0')).error().code,
              errc::not_a_member);
}

// Write-intent-log page, "Torn, stale, damaged".
TEST(IntentBlock, OfASlotTheNewerSoundBlockIsTheWholeTruth) {
    const std::string none(kIntentOctets, '\0');
    const auto torn = encode(numbered(7)).substr(0, 512) + std::string(kIntentOctets - 512, 'x');
    EXPECT_EQ(**choose(encode(numbered(6)), encode(numbered(7))), numbered(7));
    EXPECT_EQ(**choose(encode(numbered(8)), encode(numbered(7))), numbered(8));
    EXPECT_EQ(**choose(encode(numbered(6)), torn), numbered(6));
    EXPECT_EQ(**choose(none, encode(numbered(1))), numbered(1));
    EXPECT_FALSE(*choose(none, none));
    EXPECT_FALSE(*choose(none, torn)) << "the first write: nothing was begun on its word";
    EXPECT_EQ(choose(torn, torn).error().code, errc::damaged);
    EXPECT_EQ(choose(encode(numbered(7)), torn).error().code, errc::damaged)
        << "in the wrong place";
}

TEST(IntentBlock, WhatAnotherSetLeftIsNothingAndANewerVersionIsRefused) {
    const std::string none(kIntentOctets, '\0');
    auto foreign = numbered(6);
    foreign.set = {0, 0x5f};
    EXPECT_FALSE(*choose(encode(foreign), none));
    auto newer = encode(numbered(7));
    newer[4] = 3;
    EXPECT_EQ(choose(encode(numbered(6)), newer).error().code, errc::unsupported_version);
}

}  // namespace
}  // namespace quorate::shadowing
