#include "shadowing/rados_header.hpp"

#include <gtest/gtest.h>

#include "shadowing/errc.hpp"

namespace quorate::shadowing {
namespace {

const RadosHeader kHeader{.octets = 1 << 30, .life = 0x1fe};

TEST(RadosHeader, ComesBackAsItWasWritten) {
    const auto bytes = encode(kHeader);
    ASSERT_EQ(bytes.size(), kRadosHeader);
    const auto back = decode_rados_header(bytes);
    ASSERT_TRUE(back) << back.error().to_string();
    EXPECT_EQ(*back, kHeader);
}

TEST(RadosHeader, CutOrChangedAnywhereItIsRefused) {
    const auto bytes = encode(kHeader);
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        EXPECT_FALSE(decode_rados_header(bytes.substr(0, at))) << at;
        auto changed = bytes;
        changed[at] = static_cast<char>(changed[at] ^ 0x40);
        EXPECT_FALSE(decode_rados_header(changed)) << at;
    }
    EXPECT_FALSE(decode_rados_header(bytes + '\0'));
}

TEST(RadosHeader, ANewerFormatIsToldFromDamage) {
    auto bytes = encode(kHeader);
    bytes[8] = 2;
    const auto header = decode_rados_header(bytes);
    ASSERT_FALSE(header);
    EXPECT_EQ(header.error().code, errc::unsupported_version);
}

TEST(RadosHeader, ObjectsAreNumbered) {
    EXPECT_EQ(rados_object_name("disk", 0), "disk.0000000000000000");
    EXPECT_EQ(rados_object_name("disk", 0xabc), "disk.0000000000000abc");
}

}  // namespace
}  // namespace quorate::shadowing
