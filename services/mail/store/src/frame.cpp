#include "frame.hpp"

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "mail/store/errc.hpp"

namespace quorate::mail::store {
namespace {

constexpr std::uint32_t kSegmentMagic = 0x47455351;  // "QSEG"
constexpr std::uint32_t kFrameMagic = 0x314d5251;    // "QRM1"
constexpr std::uint16_t kMajor = 1;
constexpr std::uint16_t kMinor = 0;

}  // namespace

std::string encode(const SegmentHeader& header) {
    std::string out;
    ByteWriter writer(out);
    writer.u32(kSegmentMagic);
    writer.u16(kMajor);
    writer.u16(kMinor);
    writer.u32(kSegmentHeaderBytes);
    writer.u32(header.segment);
    writer.u64(header.store.high);
    writer.u64(header.store.low);
    writer.u64(header.capacity);
    writer.u64(header.first_lsn);
    writer.raw(std::string_view("\0\0\0\0\0\0\0\0\0\0\0\0", 12));
    writer.u32(crc32c(out));
    QUORATE_ASSERT(out.size() == kSegmentHeaderBytes);
    return out;
}

Result<SegmentHeader> decode_segment_header(std::string_view bytes) {
    if (bytes.size() < kSegmentHeaderBytes) {
        return fail(errc::damaged, "segment header is short");
    }
    bytes = bytes.substr(0, kSegmentHeaderBytes);
    ByteReader reader(bytes);
    const auto magic = reader.u32();
    const auto major = reader.u16();
    reader.u16();
    reader.u32();
    SegmentHeader header;
    header.segment = reader.u32();
    header.store.high = reader.u64();
    header.store.low = reader.u64();
    header.capacity = reader.u64();
    header.first_lsn = reader.u64();
    reader.raw(12);
    if (magic != kSegmentMagic ||
        reader.u32() != crc32c(bytes.substr(0, kSegmentHeaderBytes - 4))) {
        return fail(errc::damaged, "segment header: wrong magic or checksum");
    }
    if (major != kMajor) {
        return fail(errc::unsupported_version, "segment version " + std::to_string(major));
    }
    return header;
}

std::string encode(const FrameHeader& header, std::string_view meta) {
    std::string out;
    out.reserve(kFrameHeaderBytes + meta.size());
    ByteWriter writer(out);
    writer.u32(kFrameMagic);
    writer.u8(static_cast<std::uint8_t>(header.type));
    writer.u8(0);
    writer.u16(header.meta_bytes);
    writer.u32(header.data_bytes);
    writer.u32(header.store_tag);
    writer.u64(header.lsn);
    writer.u32(header.behind);
    writer.u32(header.data_crc);
    writer.u32(0);
    writer.u32(crc32c(meta, crc32c(out)));
    QUORATE_ASSERT(out.size() == kFrameHeaderBytes);
    out.append(meta);
    return out;
}

Result<FrameHeader> decode_frame_header(std::string_view bytes) {
    ByteReader reader(bytes);
    const auto magic = reader.u32();
    const auto type = reader.u8();
    const auto reserved = reader.u8();
    FrameHeader header;
    header.meta_bytes = reader.u16();
    header.data_bytes = reader.u32();
    header.store_tag = reader.u32();
    header.lsn = reader.u64();
    header.behind = reader.u32();
    header.data_crc = reader.u32();
    const auto reserved_too = reader.u32();
    if (bytes.size() < kFrameHeaderBytes || magic != kFrameMagic || reserved != 0 ||
        reserved_too != 0) {
        return fail(errc::damaged, "no frame");
    }
    if (type != static_cast<std::uint8_t>(FrameType::kBody) &&
        type != static_cast<std::uint8_t>(FrameType::kChange)) {
        return fail(errc::damaged, "frame type " + std::to_string(type));
    }
    header.type = static_cast<FrameType>(type);
    return header;
}

bool check_meta(std::string_view header_bytes, std::string_view meta) {
    ByteReader reader(header_bytes.substr(kFrameHeaderBytes - 4));
    return reader.u32() == crc32c(meta, crc32c(header_bytes.substr(0, kFrameHeaderBytes - 4)));
}

}  // namespace quorate::mail::store
