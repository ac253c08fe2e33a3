// Headers of segments, frames, super blocks and large bodies, under a right checksum too: refused,
// or the same octets when they are written again.

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "frame.hpp"
#include "fuzz/input.hpp"
#include "large_body.hpp"
#include "super.hpp"

namespace {

using namespace quorate;
using namespace quorate::mail::store;

std::string summed(std::string_view block, std::string_view behind = {}) {
    std::string bytes(block);
    ByteWriter(bytes).u32(crc32c(behind, crc32c(block)));
    return bytes;
}

// Minor versions, sizes and reserved octets are not kept.
template <class Decode>
void check(std::string_view input, std::size_t size, Decode decode) {
    static_cast<void>(decode(input));
    if (input.size() < size - 4) {
        return;
    }
    const auto block = decode(summed(input.substr(0, size - 4)));
    if (block) {
        const auto written = encode(*block);
        const auto again = decode(written);
        QUORATE_ASSERT(again && encode(*again) == written);
    }
}

void check_frame(std::string_view input) {
    if (input.size() < kFrameHeaderBytes - 4) {
        QUORATE_ASSERT(!decode_frame_header(input));
        return;
    }
    const auto meta = input.substr(kFrameHeaderBytes - 4);
    const auto bytes = summed(input.substr(0, kFrameHeaderBytes - 4), meta);
    const auto header = decode_frame_header(bytes);
    if (header && header->meta_bytes == meta.size()) {
        QUORATE_ASSERT(check_meta(bytes, meta));
        QUORATE_ASSERT(encode(*header, meta) == bytes + std::string(meta));
        QUORATE_ASSERT(header->frame_bytes() % 8 == 0);
        QUORATE_ASSERT(header->frame_bytes() >= header->data_offset() + header->data_bytes);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = fuzz::as_text(data, size);
    check(input, kSegmentHeaderBytes, [](auto bytes) { return decode_segment_header(bytes); });
    check(input, 64, [](auto bytes) { return decode_super(bytes); });
    check(input, kLargeHeaderBytes, [](auto bytes) { return decode_large_header(bytes); });
    check_frame(input);
    return 0;
}
