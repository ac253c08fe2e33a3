#include "ranges.hpp"

#include <limits>

namespace quorate::mail::store {

std::vector<UidRange> to_ranges(std::span<const Uid> uids) {
    std::vector<UidRange> ranges;
    for (const auto uid : uids) {
        if (!ranges.empty() && ranges.back().last + 1 == uid) {
            ranges.back().last = uid;
        } else {
            ranges.push_back({uid, uid});
        }
    }
    return ranges;
}

void put_ranges(ByteWriter& writer, std::span<const UidRange> ranges) {
    writer.varint(ranges.size());
    Uid end = 0;
    for (const auto& range : ranges) {
        writer.varint(range.first - end);
        writer.varint(range.last - range.first);
        end = range.last;
    }
}

bool get_ranges(ByteReader& reader, std::vector<UidRange>& ranges) {
    const auto count = reader.varint();
    std::uint64_t end = 0;
    for (std::uint64_t i = 0; i < count && !reader.failed(); ++i) {
        const auto gap = reader.varint();
        const auto length = reader.varint();
        constexpr std::uint64_t kMax = std::numeric_limits<Uid>::max();
        if (gap == 0 || gap > kMax || length > kMax || end + gap + length > kMax) {
            return false;
        }
        ranges.push_back({static_cast<Uid>(end + gap), static_cast<Uid>(end + gap + length)});
        end += gap + length;
    }
    return !reader.failed();
}

}  // namespace quorate::mail::store
