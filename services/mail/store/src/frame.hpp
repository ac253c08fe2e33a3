#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.hpp"
#include "base/result.hpp"

// The blocks of a journal segment, field by field: docs/formats/mail-journal.md. All sizes octets.
namespace quorate::mail::store {

inline constexpr std::size_t kSegmentHeaderBytes = 64;
inline constexpr std::size_t kFrameHeaderBytes = 40;

struct SegmentHeader {
    std::uint32_t segment = 0;
    Id128 store;
    std::uint64_t capacity = 0;
    std::uint64_t first_lsn = 0;
};

std::string encode(const SegmentHeader& header);
// Nothing but zeros or a torn block: errc::damaged. Unknown major version:
// errc::unsupported_version.
Result<SegmentHeader> decode_segment_header(std::string_view bytes);

enum class FrameType : std::uint8_t {
    kBody = 1,    // meta: account ids; data: the octets of a message
    kChange = 2,  // meta: account id; data: redo operations (ops.hpp)
};

// Header, meta, data, zeros up to a multiple of 8.
struct FrameHeader {
    FrameType type = FrameType::kBody;
    std::uint16_t meta_bytes = 0;
    std::uint32_t data_bytes = 0;
    std::uint32_t store_tag =
        0;                     // low half of the store's id: frames of another store end a journal
    std::uint64_t lsn = 0;     // previous frame's plus 1, also across segments
    std::uint32_t behind = 0;  // lsn minus the newest durable lsn when this frame was written
    std::uint32_t data_crc = 0;

    std::uint64_t data_offset() const { return kFrameHeaderBytes + meta_bytes; }
    std::uint64_t frame_bytes() const { return (data_offset() + data_bytes + 7) & ~7ULL; }
};

inline std::uint32_t store_tag(const Id128& store) { return static_cast<std::uint32_t>(store.low); }

// The checksum in it covers `meta` too.
std::string encode(const FrameHeader& header, std::string_view meta);
// Looks at the fixed part only; the checksum is checked by check_meta().
Result<FrameHeader> decode_frame_header(std::string_view bytes);
bool check_meta(std::string_view header_bytes, std::string_view meta);

}  // namespace quorate::mail::store
