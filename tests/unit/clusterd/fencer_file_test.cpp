#include "fencer_file.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "base/crc32c.hpp"
#include "cluster/errc.hpp"

namespace quorate::cluster {
namespace {

// docs/formats/fencers.md has it.
constexpr const char* kExample =
    "quorate-fencers 1\n"
    "rados 0\n"
    "serving 998\n"
    "end 2 eca46bc4\n";

std::string sealed(const std::string& text, std::size_t count) {
    return fmt::format("{}end {} {:08x}\n", text, count, crc32c(text));
}

TEST(FencerFile, TheDocumentedExample) {
    const FencerOwners owners{{"rados", 0}, {"serving", 998}};
    EXPECT_EQ(encode_fencers(owners), kExample);
    const auto decoded = decode_fencers(kExample);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(*decoded, owners);
}

TEST(FencerFile, NoneIsAListToo) {
    const auto decoded = decode_fencers(encode_fencers({}));
    ASSERT_TRUE(decoded);
    EXPECT_TRUE(decoded->empty());
}

TEST(FencerFile, CutAtAnyLengthItIsDamaged) {
    const std::string whole = kExample;
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto decoded = decode_fencers(whole.substr(0, size));
        ASSERT_FALSE(decoded) << size;
        EXPECT_EQ(decoded.error().code, errc::damaged) << size;
    }
}

TEST(FencerFile, WithAnyBitTurnedItIsRefused) {
    for (std::size_t i = 0; i < std::string(kExample).size(); ++i) {
        for (int bit = 0; bit < 8; ++bit) {
            std::string text = kExample;
            text[i] = static_cast<char>(text[i] ^ (1 << bit));
            EXPECT_FALSE(decode_fencers(text)) << i << " " << bit;
        }
    }
}

TEST(FencerFile, ANewerVersionIsNotGuessedAt) {
    const auto decoded = decode_fencers(sealed("quorate-fencers 2\nrados 0\n", 1));
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().code, errc::unsupported_version);
}

TEST(FencerFile, LinesThatNameNoFencerAreDamage) {
    for (const std::string line : {"rados", "rados x", "rados -1", "rados 4294967296", " 0",
                                   "lease 0", "a b 0", "rados 0 "}) {
        EXPECT_FALSE(decode_fencers(sealed("quorate-fencers 1\n" + line + "\n", 1))) << line;
    }
    EXPECT_FALSE(decode_fencers(sealed("quorate-fencers 1\nrados 0\nrados 1\n", 2)));
    EXPECT_TRUE(decode_fencers(sealed("quorate-fencers 1\nrados 4294967295\n", 1)));
}

TEST(FencerFile, AtMostAsManyAsTheMachineTakes) {
    FencerOwners owners;
    for (std::size_t i = 0; i < kMaxOutsideFencers; ++i) {
        owners.emplace("f" + std::to_string(i), 0);
    }
    EXPECT_TRUE(decode_fencers(encode_fencers(owners)));
    owners.emplace("one-more", 0);
    EXPECT_FALSE(decode_fencers(encode_fencers(owners)));
}

TEST(FencerFile, Names) {
    for (const auto* name :
         {"r", "rados", "RADOS.2_b-c", "0", "12345678901234567890123456789012"}) {
        EXPECT_TRUE(is_fencer_name(name)) << name;
    }
    for (const auto* name : {"", "lease", "-a", ".a", "a b", "a/b", "a\n", "\xc3\xa4",
                             "123456789012345678901234567890123"}) {
        EXPECT_FALSE(is_fencer_name(name)) << name;
    }
}

}  // namespace
}  // namespace quorate::cluster
