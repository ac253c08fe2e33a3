#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "frame.hpp"
#include "mail/store/types.hpp"
#include "mail/store/volume.hpp"

namespace quorate::mail::store {

// "journal/00000001.seg"
std::string segment_path(std::uint32_t segment);

struct JournalOptions {
    Id128 store;
    std::uint64_t segment_bytes = 64ULL << 20;
    std::uint32_t next_segment = 1;
    std::uint64_t next_lsn = 1;
    bool threaded = true;  // false: whoever meets a full queue flushes it
};

// A place in the journal: where the frame with that LSN begins.
struct JournalMark {
    std::uint64_t lsn = 1;
    std::uint32_t segment = 1;
    std::uint64_t offset = kSegmentHeaderBytes;
};

// The append side of the journal, without a thread of its own. Frames get their place and LSN when
// they are put; space for them was allocated before, so what was accepted cannot meet a full
// volume. flush_group() writes all that waits with one write and one flush per segment touched,
// and publishes. Segment N + 1 is written only after N is flushed to its end.
//
// Thread rule: any thread; flush_group() by one at a time. Limits: kQueueBytes wait at most, then
// the putting thread waits for the flush. Errors: volume_full, journal_failed (for ever after a
// failed write or flush: what the volume has is unknown then).
class Journal {
public:
    static constexpr std::uint64_t kQueueBytes = 64ULL << 20;
    // Left to changes when a segment fills and the volume has no room for the next: deletions
    // must be possible on a full volume.
    static constexpr std::uint64_t kReserveBytes = 1ULL << 20;

    // Whose frame it is: what kEssential needs (changes, compaction) may use the reserves, and
    // `make_room` is asked when the volume has no space for its segment; true: try again.
    enum class Need { kOrdinary, kEssential };
    Journal(Volume& volume, JournalOptions options, std::function<bool()> make_room, Logger log);

    Result<BodyRef> put_body(std::vector<std::string> pieces, std::span<const AccountId> owners,
                             Need need = Need::kOrdinary);
    Result<Lsn> put_change(AccountId account, std::string ops);

    Lsn durable() const { return Lsn(durable_.load(std::memory_order_acquire)); }
    Lsn newest() const;
    std::uint32_t current_segment() const;
    JournalMark next_mark() const;
    std::uint64_t position() const;  // octets put since it was opened
    // Blocks; without a thread it flushes.
    Status wait_durable(Lsn lsn);
    // Before frames are put.
    void on_durable(std::function<void(Lsn, bool)> callback);

    // A part of a body that is not written yet; nothing when it is (or never was here).
    std::optional<std::string> read_waiting(const BodyRef& ref, std::uint64_t offset,
                                            std::uint64_t size) const;

    // True: frames wait. False: stop() was called and nothing waits.
    bool wait_for_work();
    void stop();
    // False when nothing waited.
    bool flush_group();

    struct Counters {
        std::uint64_t flushes = 0;
        std::uint64_t records = 0;
        std::uint64_t bytes = 0;
    };
    Counters counters() const;

private:
    struct Frame {
        FrameHeader header;
        std::string meta;
        std::vector<std::string> data;
        std::uint32_t segment = 0;
        std::uint64_t offset = 0;
        std::string encoded;  // header and meta; made when the group is taken
    };
    struct Segment {
        std::unique_ptr<File> file;
        SegmentHeader header;
        std::uint64_t used = kSegmentHeaderBytes;
        bool header_written = false;
    };

    Status place(std::unique_lock<std::mutex>& lock, Frame& frame, Need need);
    Status begin_segment(std::uint64_t needed, Need need);
    Status allocate_segment(const std::string& path, std::uint64_t capacity,
                            std::unique_ptr<File>& file);
    std::uint64_t reserve() const;
    void push(Frame frame);
    bool take_group();
    Status write_group();
    void seal_before(std::uint32_t number);
    Status write_part(Segment& segment, std::span<const Frame> frames);
    void group_written(const Status& status);

    Volume& volume_;
    const JournalOptions options_;
    const std::function<bool()> make_room_;
    Logger log_;
    std::function<void(Lsn, bool)> callback_;

    mutable std::mutex mutex_;
    std::condition_variable work_;
    std::condition_variable progress_;
    std::vector<Frame> pending_;    // ascending by place
    std::vector<Frame> in_flight_;  // changed under the mutex, read by the flushing thread
    std::map<std::uint32_t, Segment> segments_;  // the current one, and older ones not written out
    std::uint64_t pending_bytes_ = 0;
    std::uint64_t position_ = 0;
    std::uint64_t next_lsn_;
    std::uint32_t next_segment_;
    bool stopping_ = false;
    bool failed_ = false;
    Counters counters_;
    std::atomic<std::uint64_t> durable_;
};

}  // namespace quorate::mail::store
