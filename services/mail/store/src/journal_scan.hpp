#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "frame.hpp"
#include "mail/store/types.hpp"
#include "mail/store/volume.hpp"
#include "super.hpp"

namespace quorate::mail::store {

struct FoundFrame {
    FrameHeader header;
    std::uint64_t offset = 0;
    std::string meta;
};

struct WalkPlace {
    std::uint64_t offset = kSegmentHeaderBytes;
    std::uint64_t lsn = 0;  // of the frame there
};

struct WalkEnd {
    WalkPlace place;  // behind the last sound frame
    // The frame there, when only its data is damaged.
    std::optional<FoundFrame> damaged;
};

// Walks a segment's frames in order until the first that is not sound or not the next one. `data`:
// whether the data's checksum is verified too (recovery must; compaction verifies what it copies).
Result<WalkEnd> walk_segment(File& file, const SegmentHeader& header, WalkPlace from, bool data,
                             const std::function<Status(const FoundFrame&)>& use);
Result<SegmentHeader> read_segment_header(File& file);

// Segment numbers that the volume has, ascending.
Result<std::vector<std::uint32_t>> list_segments(Volume& volume);

struct FoundChange {
    std::uint64_t lsn = 0;
    AccountId account;
    std::uint32_t segment = 0;
    std::uint64_t offset = 0;  // of the operations
    std::uint32_t size = 0;
};

struct Scan {
    std::vector<FoundChange> changes;  // from redo_lsn on, in order
    std::uint64_t next_lsn = 1;
    std::uint32_t next_segment = 1;
    std::uint64_t damaged_bodies = 0;  // acknowledged; reading one reports it
};

// Reads the journal from the redo start. What follows the end of the journal (torn by the crash,
// never acknowledged) is cut off; its last group is written once more and flushed: a killed process
// may have left it in the page cache only, a failed flush may have lost it, and the account
// databases must not come to know more than the journal keeps. A hole, acknowledged frames behind a
// bad one, is damage: errc::damaged, unless only the octets of a body are wrong.
Result<Scan> scan_journal(Volume& volume, const Super& super, const Logger& log);

}  // namespace quorate::mail::store
