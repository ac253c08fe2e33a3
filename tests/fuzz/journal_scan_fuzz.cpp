// The scan of a journal of one segment, whose frames' checksums are mostly made right: it ends, or
// is refused as damaged; what it keeps, it keeps when it scans again.

#include <array>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "fault_volume.hpp"
#include "fuzz/input.hpp"
#include "journal.hpp"
#include "journal_scan.hpp"
#include "mail/store/errc.hpp"

namespace {

using namespace quorate;
using namespace quorate::mail::store;

constexpr Id128 kStore{1, 2};

void put_u32(std::string& bytes, std::size_t at, std::uint32_t value) {
    std::string four;
    ByteWriter(four).u32(value);
    bytes.replace(at, 4, four);
}

// The checksums of whatever looks like a frame, unless its reserved octet says otherwise.
void make_right(std::string& bytes) {
    for (std::size_t at = kSegmentHeaderBytes; at + kFrameHeaderBytes <= bytes.size(); at += 8) {
        const auto header = decode_frame_header(std::string_view(bytes).substr(at));
        if (!header) {
            continue;
        }
        const auto rest = bytes.size() - at;
        const auto data_at = std::min<std::uint64_t>(header->data_offset(), rest);
        const auto meta =
            std::string_view(bytes).substr(at + kFrameHeaderBytes, data_at - kFrameHeaderBytes);
        const auto data = std::string_view(bytes).substr(at + data_at, header->data_bytes);
        put_u32(bytes, at + 28, crc32c(data));
        const auto fixed = std::string_view(bytes).substr(at, kFrameHeaderBytes - 4);
        put_u32(bytes, at + 36, crc32c(meta, crc32c(fixed)));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto input = fuzz::as_text(data, size);
    SegmentHeader header;
    header.segment = 1;
    header.store = kStore;
    header.capacity = 1 << 20;
    header.first_lsn = 1;
    auto bytes = encode(header) + std::string(input);
    make_right(bytes);
    FaultVolume volume({});
    volume.set_content(segment_path(1), bytes);
    Super super;
    super.store = kStore;
    super.redo_offset = kSegmentHeaderBytes;
    Logger::set_sink([](LogLevel, std::string_view) {});
    const auto scan = scan_journal(volume, super, Logger());
    if (!scan) {
        QUORATE_ASSERT(scan.error().code == errc::damaged);
        return 0;
    }
    for (const auto& change : scan->changes) {
        QUORATE_ASSERT(change.lsn < scan->next_lsn);
        QUORATE_ASSERT(change.offset + change.size <= volume.content(segment_path(1)).size());
    }
    const auto again = scan_journal(volume, super, Logger());
    QUORATE_ASSERT(again && again->next_lsn == scan->next_lsn);
    QUORATE_ASSERT(again->changes.size() == scan->changes.size());
    return 0;
}
