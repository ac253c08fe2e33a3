#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "mail/store/types.hpp"

namespace quorate::mail::store {

// Both ends inclusive.
struct UidRange {
    Uid first = 0;
    Uid last = 0;
    bool operator==(const UidRange&) const = default;
};

// Of ascending uids, runs become one range.
std::vector<UidRange> to_ranges(std::span<const Uid> uids);

// varint count, then per range: varint gap from the end of the one before, varint length - 1.
void put_ranges(ByteWriter& writer, std::span<const UidRange> ranges);
// Ranges that are not ascending make nothing of it and fail the reader's caller: returns false.
bool get_ranges(ByteReader& reader, std::vector<UidRange>& ranges);

}  // namespace quorate::mail::store
