#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "lockmgr/lock_manager.hpp"

// What a lock manager was given, in order, and a digest of what it did: enough to have it do the
// same again somewhere else. docs/formats/lock-trace.md.
namespace quorate::lockmgr {

// The newest inputs, in at most `capacity` octets of memory; 0 keeps nothing. As long as none was
// dropped the trace goes back to the manager's beginning, and a replay does exactly the same.
//
// Thread rule: as of the manager.
class LockTrace {
public:
    LockTrace(const LockManagerOptions& options, std::size_t capacity);

    bool on() const { return capacity_ != 0; }
    // After step(), with what it appended.
    void record(MonoTime now, const LockInput& input, std::span<const LockOutput> outputs);
    // The file.
    std::string bytes() const;
    // A piece of it of about `limit` octets: from its beginning, or where the piece before ended,
    // to the newest input of the time of the first piece. Nothing: what should come next has been
    // dropped meanwhile.
    struct Piece {
        std::string bytes;
        std::uint64_t next = 0;  // 0: that was all
        std::uint64_t end = 0;   // both for the call after
    };
    std::optional<Piece> piece(std::uint64_t from, std::uint64_t end, std::size_t limit) const;
    std::uint64_t inputs() const { return inputs_; }
    std::uint64_t dropped() const { return dropped_; }

private:
    struct Chunk {
        std::string records;
        std::uint64_t count = 0;
    };
    static constexpr std::size_t kChunk = 64 * 1024;

    std::string header() const;

    std::string begin_;  // what does not change of the header
    std::size_t capacity_;
    std::deque<Chunk> chunks_;
    std::uint64_t first_ = 1;  // number of the first of them
    std::size_t size_ = 0;     // of all chunks but the last
    std::uint64_t inputs_ = 0;
    std::uint64_t dropped_ = 0;
};

struct TraceEntry {
    MonoTime when;
    LockInput input;  // its views point into the file
    std::uint64_t digest = 0;
};
struct LoadedTrace {
    LockManagerOptions options;
    std::uint64_t dropped = 0;
    std::vector<TraceEntry> entries;
};
// Errors: errc::damaged, errc::unsupported_version.
Result<LoadedTrace> read_trace(std::string_view bytes);

// The same for the same outputs.
std::uint64_t digest_of(std::span<const LockOutput> outputs);

}  // namespace quorate::lockmgr
