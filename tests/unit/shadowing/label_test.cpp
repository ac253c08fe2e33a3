#include "shadowing/label.hpp"

#include <gtest/gtest.h>

#include "base/crc32c.hpp"
#include "examples.hpp"
#include "shadowing/errc.hpp"

namespace quorate::shadowing {
namespace {

using testing::example_label;

// The block with some octets changed under a right checksum; `covered` octets are under it.
std::string forged(std::string block, std::size_t at, char value) {
    block[at] = value;
    const auto size =
        static_cast<unsigned char>(block[8]) + 256 * static_cast<unsigned char>(block[9]);
    const auto covered = static_cast<std::size_t>(20 + size);
    const auto sum = crc32c(std::string_view(block).substr(0, covered));
    for (std::size_t i = 0; i < 4; ++i) {
        block[covered + i] = static_cast<char>(sum >> (8 * i));
    }
    return block;
}

TEST(ShadowLabel, IsReadAsWritten) {
    for (const auto copy : {std::uint16_t{0}, std::uint16_t{1}}) {
        EXPECT_EQ(*decode_label(encode(example_label(), copy), copy), example_label());
        EXPECT_FALSE(
            decode_label(encode(example_label(), copy), static_cast<std::uint16_t>(1 - copy)));
    }
}

TEST(ShadowLabel, EveryDamagedOctetAndEveryCutIsNoticed) {
    const auto bytes = encode(example_label(), 0);
    ASSERT_EQ(bytes.size(), kMetaBlock);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        auto damaged = bytes;
        damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
        EXPECT_FALSE(decode_label(damaged, 0)) << "octet " << i;
        EXPECT_FALSE(decode_label(std::string_view(bytes).substr(0, i), 0)) << "cut at " << i;
    }
}

TEST(ShadowLabel, AnotherMajorVersionAndAnotherDiskAreToldApartFromDamage) {
    auto bytes = encode(example_label(), 0);
    bytes[4] = 3;
    EXPECT_EQ(decode_label(bytes, 0).error().code, errc::unsupported_version);
    EXPECT_EQ(decode_label(std::string(kMetaBlock, '\0'), 0).error().code, errc::not_a_member);
    EXPECT_EQ(decode_label("", 0).error().code, errc::not_a_member);
}

TEST(ShadowLabel, SurplusOfAHigherMinorVersionIsIgnored) {
    auto label = example_label();
    label.forks.clear();
    label.members.pop_back();
    auto bytes = encode(label, 0);
    const auto size = static_cast<std::uint8_t>(bytes[8]);
    bytes.insert(20 + size, 1, 'x');  // one more octet of fields
    bytes.resize(kMetaBlock);
    bytes[8] = static_cast<char>(size + 1);
    EXPECT_EQ(decode_label(forged(bytes, 5, 0), 0).error().code, errc::damaged);
    EXPECT_EQ(*decode_label(forged(bytes, 5, 1), 0), label);
}

TEST(ShadowLabel, FieldsThatContradictEachOtherAreRefused) {
    const auto bytes = encode(example_label(), 0);
    struct Case {
        std::size_t at;
        char value;
        const char* why;
    };
    const Case cases[] = {
        {20 + 64, 2, "an unknown flag"},
        {20 + 64 + 2 + 8, 0, "another size of the set, below the fence"},
        {20 + 64 + 18, 8, "blocks of 256 octets"},
        {20 + 64 + 18, 13, "blocks of 8 KiB"},
        {20 + 64 + 18 + 2, 0, "no opener"},
        {20 + 64 + 18 + 4, 1, "a slot that is not whole blocks"},
        {20, 1, "a member that is not in its own set"},
        {20 + 64 + 58, 0, "no name"},
        {20 + 64 + 58 + 1, ' ', "a name with a space"},
        {20 + 64 + 58 + 5, 7, "seven members"},
        {20 + 64 + 58 + 6 + 16, 0, "no role"},
        {20 + 64 + 58 + 6 + 16, 6, "an unknown role"},
        {20 + 64 + 58 + 6 + 17, 1, "a reserved octet"},
        {20 + 64 + 58 + 6 + 18, 4, "a role taken up in the future"},
        {20 + 64 + 58 + 6 + 26, 1, "a fence of a full member"},
        {20 + 64 + 58 + 6 + 42 + 8, static_cast<char>(0xd1), "a member twice"},
    };
    for (const auto& one : cases) {
        // The second octet of the size of 4096 blocks is what makes it so large.
        const auto at = std::string_view(one.why).starts_with("another size") ? one.at + 1 : one.at;
        EXPECT_EQ(decode_label(forged(bytes, at, one.value), 0).has_value(), false) << one.why;
    }
}

TEST(ShadowLabel, TheLargestFits) {
    auto label = example_label();
    label.unit.assign(kMaxUnitName, 'x');
    label.members.clear();
    for (std::uint64_t i = 0; i < kMaxMembers; ++i) {
        label.members.push_back({{0, 0xd1 + i}, Role::kMerge, 1, 4096, 1});
    }
    label.forks.assign(kMaxForks, {{1, 2}, 3});
    EXPECT_EQ(*decode_label(encode(label, 1), 1), label);
}

// Shadow-label page, "Torn, stale, damaged".
TEST(ShadowLabel, OfTwoCopiesTheNewerSoundOneCounts) {
    const auto old_label = example_label();
    auto new_label = example_label();
    new_label.sequence = 6;
    new_label.generation = {4, 0xc4};
    const auto first = encode(new_label, 0);
    const auto torn = first.substr(0, 100) + std::string(kMetaBlock - 100, '\0');
    const auto none = std::string(kMetaBlock, '\0');

    const auto halfway = choose_label({first, encode(old_label, 1)});
    EXPECT_EQ(halfway->label, new_label);
    EXPECT_EQ(halfway->newest, 0);
    EXPECT_FALSE(halfway->both);
    EXPECT_EQ(choose_label({torn, encode(old_label, 1)})->label, old_label);
    EXPECT_EQ(choose_label({torn, encode(old_label, 1)})->newest, 1);
    EXPECT_EQ(choose_label({none, encode(old_label, 1)})->label, old_label);
    EXPECT_TRUE(choose_label({first, encode(new_label, 1)})->both);
    EXPECT_EQ(choose_label({torn, none}).error().code, errc::damaged);
    EXPECT_EQ(choose_label({none, none}).error().code, errc::not_a_member);
    auto newer = first;
    newer[4] = 3;
    EXPECT_EQ(choose_label({torn, newer}).error().code, errc::unsupported_version);
}

TEST(ShadowLayout, NothingOverlapsAndTheRestIsData) {
    for (const std::uint64_t octets :
         {std::uint64_t{4} << 20, (std::uint64_t{64} << 30) + 12345, std::uint64_t{1} << 44}) {
        const auto layout = lay_out(octets, 12, 32);
        ASSERT_TRUE(layout);
        EXPECT_GE(layout->log_offset, kMetaBlock);
        EXPECT_LE(slot_offset(*layout, OpenerSlot(31)) + layout->slot_octets, layout->data_offset);
        const auto data_end = layout->data_offset + (layout->member_blocks << 12);
        EXPECT_LE(data_end, second_copy_offset(octets));
        EXPECT_GT(data_end + 4096, second_copy_offset(octets));
        EXPECT_LE(second_copy_offset(octets) + kMetaBlock, octets);
    }
    EXPECT_FALSE(lay_out(1 << 20, 12, 32));
    EXPECT_FALSE(lay_out(0, 12, 1));
}

}  // namespace
}  // namespace quorate::shadowing
