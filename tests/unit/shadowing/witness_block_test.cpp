#include "shadowing/witness_block.hpp"

#include <gtest/gtest.h>

#include "shadowing/errc.hpp"

namespace quorate::shadowing {
namespace {

const WitnessBlock kMounted{.set = {1, 2}, .word = WitnessWord{{3, 4}, {5, 6}}, .reserved = 7};
const WitnessBlock kNeverMounted{.set = {1, 2}, .word = std::nullopt, .reserved = 0};

TEST(WitnessBlockTest, ComesBackAsItWasWritten) {
    for (const auto& block : {kMounted, kNeverMounted}) {
        const auto bytes = encode(block);
        ASSERT_EQ(bytes.size(), kWitnessBlock);
        const auto back = decode_witness_block(bytes);
        ASSERT_TRUE(back) << back.error().to_string();
        EXPECT_EQ(*back, block);
    }
}

TEST(WitnessBlockTest, CutAtAnyLengthItIsRefused) {
    const auto bytes = encode(kMounted);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(decode_witness_block(bytes.substr(0, size))) << size;
    }
    EXPECT_FALSE(decode_witness_block(bytes + '\0'));
}

TEST(WitnessBlockTest, AnyChangedOctetIsNoticed) {
    const auto bytes = encode(kMounted);
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        auto changed = bytes;
        changed[at] = static_cast<char>(changed[at] ^ 0x40);
        EXPECT_FALSE(decode_witness_block(changed)) << at;
    }
}

TEST(WitnessBlockTest, ANewerFormatIsToldFromDamage) {
    auto bytes = encode(kMounted);
    bytes[4] = 2;
    const auto block = decode_witness_block(bytes);
    ASSERT_FALSE(block);
    EXPECT_EQ(block.error().code, errc::unsupported_version);
}

}  // namespace
}  // namespace quorate::shadowing
