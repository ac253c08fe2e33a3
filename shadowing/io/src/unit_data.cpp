#include "unit_data.hpp"

#include <memory>
#include <string>

#include "base/bytes.hpp"

namespace quorate::shadowing {

RequestKind unit_kind(DataKind kind) {
    switch (kind) {
        case DataKind::kRead:
            return RequestKind::kRead;
        case DataKind::kWrite:
            return RequestKind::kWrite;
        case DataKind::kZero:
            return RequestKind::kZero;
        case DataKind::kFlush:
        case DataKind::kExtents:
            break;
    }
    return RequestKind::kFlush;
}

UnitReply told_extents(const MountedSet& set, std::uint64_t offset, std::uint64_t octets) {
    const auto size = set.status().octets;
    if (octets == 0 || offset > size || octets > size - offset) {
        return {ReplyStatus::kOutOfRange, nullptr};
    }
    std::string text;
    ByteWriter out(text);
    for (const auto& extent : set.extents(offset, octets)) {
        out.u64(extent.octets << 1 | (extent.zeros ? 1 : 0));
    }
    return {ReplyStatus::kOk, std::make_shared<const io::AlignedBuffer>(text)};
}

}  // namespace quorate::shadowing
