#pragma once

#include <cstdint>
#include <optional>

#include "base/random.hpp"
#include "base/result.hpp"
#include "mail/store/volume.hpp"

namespace quorate::mail::store {

inline constexpr std::string_view kSuperPath = "journal/super";

// Where redo begins. Two copies, written in turn, so that a torn write leaves the older one.
struct Super {
    Id128 store;
    std::uint64_t sequence = 0;
    std::uint64_t redo_lsn = 1;      // every change below is in the account databases
    std::uint32_t redo_segment = 1;  // the segment that holds it, or will hold it
    std::uint64_t redo_offset = 0;   // of its frame; kSegmentHeaderBytes: the segment's first
};

// The newer valid copy; nothing when the file does not exist. Both copies bad: errc::damaged.
Result<std::optional<Super>> read_super(Volume& volume);
// Writes the copy that `sequence` selects, flushes.
Status write_super(Volume& volume, const Super& super);

std::string encode(const Super& super);
Result<Super> decode_super(std::string_view bytes);

}  // namespace quorate::mail::store
