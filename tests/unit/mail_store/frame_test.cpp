#include "frame.hpp"

#include <gtest/gtest.h>

#include "base/crc32c.hpp"
#include "large_body.hpp"
#include "mail/store/errc.hpp"
#include "super.hpp"

namespace quorate::mail::store {
namespace {

FrameHeader sample_frame() {
    FrameHeader header;
    header.type = FrameType::kBody;
    header.meta_bytes = 8;
    header.data_bytes = 13;
    header.store_tag = 0x01020304;
    header.lsn = 77;
    header.behind = 3;
    header.data_crc = 0xdeadbeef;
    return header;
}
const std::string kMeta("\x07\0\0\0\0\0\0\0", 8);

TEST(Frame, ComesBackAsItWasWritten) {
    const auto bytes = encode(sample_frame(), kMeta);
    const auto header = decode_frame_header(bytes);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->lsn, 77U);
    EXPECT_EQ(header->behind, 3U);
    EXPECT_EQ(header->data_bytes, 13U);
    EXPECT_EQ(header->meta_bytes, 8U);
    EXPECT_EQ(header->data_crc, 0xdeadbeefU);
    EXPECT_EQ(header->store_tag, 0x01020304U);
    EXPECT_EQ(header->frame_bytes(), 64U) << "40 + 8 + 13, up to a multiple of 8";
    EXPECT_TRUE(check_meta(bytes, kMeta));
}

TEST(Frame, IsRefusedWithAnyOctetChanged) {
    const auto sound = encode(sample_frame(), kMeta);
    for (std::size_t at = 0; at < sound.size(); ++at) {
        auto bytes = sound;
        bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
        EXPECT_FALSE(decode_frame_header(bytes) &&
                     check_meta(bytes, std::string_view(bytes).substr(kFrameHeaderBytes)))
            << "octet " << at;
    }
}

TEST(Frame, IsRefusedCutAtEveryLength) {
    const auto sound = encode(sample_frame(), {});
    for (std::size_t size = 0; size < kFrameHeaderBytes; ++size) {
        EXPECT_FALSE(decode_frame_header(std::string_view(sound).substr(0, size))) << size;
    }
}

template <class Decode>
void expect_refused_when_damaged(const std::string& sound, const Decode& decode) {
    ASSERT_TRUE(decode(sound));
    for (std::size_t at = 0; at < sound.size(); ++at) {
        auto bytes = sound;
        bytes[at] = static_cast<char>(bytes[at] ^ 1);
        EXPECT_FALSE(decode(bytes)) << "octet " << at;
        EXPECT_FALSE(decode(std::string_view(sound).substr(0, at))) << "length " << at;
    }
}

TEST(SegmentHeader, IsRefusedWhenDamagedOrCut) {
    SegmentHeader header;
    header.segment = 5;
    header.capacity = 1 << 20;
    header.first_lsn = 99;
    const auto bytes = encode(header);
    EXPECT_EQ(decode_segment_header(bytes)->first_lsn, 99U);
    expect_refused_when_damaged(bytes, [](auto view) { return decode_segment_header(view); });
}

TEST(Super, IsRefusedWhenDamagedOrCut) {
    Super super;
    super.sequence = 4;
    super.redo_lsn = 1000;
    super.redo_segment = 7;
    super.redo_offset = 4096;
    const auto bytes = encode(super);
    EXPECT_EQ(decode_super(bytes)->redo_offset, 4096U);
    expect_refused_when_damaged(bytes, [](auto view) { return decode_super(view); });
}

TEST(LargeHeader, IsRefusedWhenDamagedOrCut) {
    LargeHeader header;
    header.number = 3;
    header.size = 1 << 30;
    header.owners = 2;
    const auto bytes = encode(header);
    EXPECT_EQ(decode_large_header(bytes)->owners, 2U);
    expect_refused_when_damaged(bytes, [](auto view) { return decode_large_header(view); });
}

// The version follows the magic; the checksum is made right again, as a newer program would.
std::string with_major(std::string bytes, char major) {
    bytes[4] = major;
    const auto body = bytes.substr(0, bytes.size() - 4);
    const auto crc = crc32c(body);
    for (unsigned i = 0; i < 4; ++i) {
        bytes[body.size() + i] = static_cast<char>(crc >> (8 * i));
    }
    return bytes;
}

TEST(Versions, AnUnknownMajorIsRefusedAsSuch) {
    EXPECT_EQ(decode_segment_header(with_major(encode(SegmentHeader{}), 2)).error().code,
              errc::unsupported_version);
    EXPECT_EQ(decode_super(with_major(encode(Super{}), 2)).error().code, errc::unsupported_version);
    EXPECT_EQ(decode_large_header(with_major(encode(LargeHeader{}), 2)).error().code,
              errc::unsupported_version);
}

}  // namespace
}  // namespace quorate::mail::store
