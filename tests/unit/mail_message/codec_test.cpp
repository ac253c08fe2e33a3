#include <gtest/gtest.h>

#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "mail/message/errc.hpp"
#include "mail/message/structure.hpp"
#include "samples.hpp"
#include "support/hex.hpp"

namespace quorate::mail::message {
namespace {

using testing::crlf;

std::string with_checksum(std::string bytes) {
    ByteWriter(bytes).u32(crc32c(bytes));
    return bytes;
}

// The worked example of docs/formats/message-structure.md.
const char* const kExample =
    "Content-Type: multipart/mixed; boundary=b\n"
    "\n"
    "--b\n"
    "Content-Type: text/plain; charset=utf-8\n"
    "\n"
    "hello\n"
    "--b\n"
    "Content-Type: x/y\n"
    "Content-Transfer-Encoding: base64\n"
    "\n"
    "aGk=\n"
    "--b--\n";

TEST(StructureCodec, TheDocumentedExample) {
    const auto bytes = encode(parse_structure(crlf(kExample)));
    EXPECT_EQ(support::hex(bytes),
              "5310ae01030102002d81010a0320052b0500010110073804000001780179"
              "9ba9a7c3");
}

TEST(StructureCodec, EveryDamagedByteIsNoticed) {
    const auto bytes = encode(parse_structure(crlf(kExample)));
    ASSERT_TRUE(decode(bytes));
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        auto damaged = bytes;
        damaged[i] = static_cast<char>(damaged[i] ^ 0x20);
        EXPECT_FALSE(decode(damaged)) << "byte " << i;
        EXPECT_FALSE(decode(bytes.substr(0, i))) << "cut at " << i;
    }
    EXPECT_FALSE(decode(bytes + '\0'));
}

TEST(StructureCodec, AnUnknownMajorVersionIsRefusedAndAMinorOneTolerated) {
    auto bytes = encode(parse_structure("x"));
    bytes.resize(bytes.size() - 4);
    auto major = bytes;
    major[1] = 0x20;
    const auto refused = decode(with_checksum(major));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::unsupported_version);
    auto minor = bytes + "surplus";
    minor[1] = 0x11;
    EXPECT_TRUE(decode(with_checksum(minor)));
    minor[1] = 0x10;
    EXPECT_FALSE(decode(with_checksum(minor)));
}

TEST(StructureCodec, ContradictionsUnderAValidChecksumAreRefused) {
    const std::string head("S\x10", 2);
    auto refused = [&](std::string_view rest) {
        const auto result = decode(with_checksum(head + std::string(rest)));
        return !result && result.error().code == errc::damaged;
    };
    using std::string_view_literals::operator""sv;
    EXPECT_FALSE(refused("\x0a\x01\x00\x00\x04\x06\x00\x01"sv));  // a good one
    EXPECT_TRUE(refused("\x0a\x00"sv));                           // no part
    EXPECT_TRUE(refused("\x0a\x7f\x00\x00\x04\x06\x00\x01"sv));  // more parts than there are octets
    EXPECT_TRUE(refused("\x0a\x01\x00\x00\x04\x07\x00\x01"sv));  // body ends behind the message
    EXPECT_TRUE(refused("\x0a\x01\x00\x00\x04\x05\x00\x01"sv));  // body ends before the message
    EXPECT_TRUE(refused("\x0a\x01\x00\x01\x03\x06\x00\x01"sv));  // header begins too late
    EXPECT_TRUE(refused("\x0a\x01\x00\x00\x04\x06\x07\x01"sv));  // more lines than octets
    EXPECT_TRUE(refused("\x0a\x01\x00\x00\x04\x06\x00\x7f"sv));  // unknown type
    EXPECT_TRUE(refused("\x0a\x01\x03\x00\x04\x06\x00\x01"sv));  // unknown kind
    EXPECT_TRUE(refused("\x0a\x01\x18\x00\x04\x06\x00\x01"sv));  // unknown encoding
    EXPECT_TRUE(refused("\x0a\x01\x40\x00\x04\x06\x00\x01"sv));  // reserved bit
    EXPECT_TRUE(refused("\x0a\x01\x02\x00\x00\x04\x06\x00\x09"sv));  // message without a part
    EXPECT_TRUE(refused("\x0a\x01\x01\x01\x00\x04\x06\x00\x03"sv));  // too many descendants
}

TEST(StructureCodec, AnOrdinaryMessageIsSmall) {
    EXPECT_LE(encode(parse_structure(testing::sample_messages()["plain"])).size(), 16U);
    EXPECT_LE(encode(parse_structure(testing::sample_messages()["alternative-related"])).size(),
              100U);
}

}  // namespace
}  // namespace quorate::mail::message
