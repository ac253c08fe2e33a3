#include "journal_scan.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "base/text.hpp"
#include "journal.hpp"
#include "mail/store/errc.hpp"
#include "mutation.hpp"

namespace quorate::mail::store {
namespace {

constexpr std::size_t kWindow = 1 << 20;

// A file through a window that moves forward.
class Window {
public:
    explicit Window(File& file) : file_(file) {}

    // Up to `size` (at most kWindow) octets at `offset`; fewer at the end of the file.
    Result<std::string_view> view(std::uint64_t offset, std::size_t size) {
        if (offset < start_ || offset + size > start_ + filled_) {
            buffer_.resize(kWindow);
            QUORATE_TRY(filled_, file_.read(offset, buffer_));
            start_ = offset;
        }
        const auto skip = static_cast<std::size_t>(offset - start_);
        return std::string_view(buffer_).substr(skip, std::min(size, filled_ - skip));
    }

    Result<bool> data_is_sound(std::uint64_t offset, std::uint64_t size, std::uint32_t crc) {
        std::uint32_t sum = 0;
        while (size > 0) {
            const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(size, kWindow / 4));
            QUORATE_TRY(const auto bytes, view(offset, step));
            if (bytes.size() < step) {
                return false;
            }
            sum = crc32c(bytes, sum);
            offset += step;
            size -= step;
        }
        return sum == crc;
    }

private:
    File& file_;
    std::string buffer_;
    std::uint64_t start_ = 0;
    std::size_t filled_ = 0;
};

// The frame at `offset` when its header and meta are sound.
Result<std::optional<FoundFrame>> frame_at(Window& window, std::uint64_t offset,
                                           std::uint32_t tag) {
    QUORATE_TRY(const auto fixed, window.view(offset, kFrameHeaderBytes));
    if (fixed.size() < kFrameHeaderBytes) {
        return std::optional<FoundFrame>();
    }
    const std::string header_bytes(fixed);
    const auto header = decode_frame_header(header_bytes);
    if (!header || header->store_tag != tag) {
        return std::optional<FoundFrame>();
    }
    QUORATE_TRY(const auto meta, window.view(offset + kFrameHeaderBytes, header->meta_bytes));
    if (meta.size() < header->meta_bytes || !check_meta(header_bytes, meta)) {
        return std::optional<FoundFrame>();
    }
    return std::optional<FoundFrame>(FoundFrame{*header, offset, std::string(meta)});
}

// Whether a frame behind `offset` was written when `lsn` had been durable already.
Result<bool> acknowledged_behind(File& file, std::uint64_t offset, std::uint64_t lsn,
                                 std::uint32_t tag) {
    Window window(file);
    QUORATE_TRY(const auto size, file.size());
    for (auto at = offset; at + kFrameHeaderBytes <= size; at += 8) {
        QUORATE_TRY(const auto magic, window.view(at, 4));
        if (magic != "QRM1") {
            continue;
        }
        QUORATE_TRY(const auto frame, frame_at(window, at, tag));
        if (frame && frame->header.lsn >= lsn && frame->header.lsn - frame->header.behind >= lsn) {
            return true;
        }
    }
    return false;
}

class Walker {
public:
    Walker(Volume& volume, const Super& super, const Logger& log)
        : volume_(volume), super_(super), log_(log) {
        scan.next_lsn = super.redo_lsn;
    }

    // A segment of the redo range, in order; cuts and flushes it.
    Status walk(std::uint32_t number, bool last);

    Scan scan;

private:
    Result<SegmentHeader> open(std::uint32_t number);
    Result<WalkPlace> walk_frames(const SegmentHeader& header, bool last);
    Status collect(std::uint32_t number, const FoundFrame& frame);
    Result<bool> acknowledged(WalkPlace behind, bool last);
    Status cut(WalkPlace end, bool last);
    Status rewrite_last_group(std::uint64_t end);

    Volume& volume_;
    const Super& super_;
    const Logger& log_;
    std::string path_;
    std::unique_ptr<File> file_;
    std::vector<std::uint64_t> offsets_;  // of this segment's frames
    std::uint32_t last_behind_ = 0;
};

Status Walker::walk(std::uint32_t number, bool last) {
    QUORATE_TRY(const auto header, open(number));
    QUORATE_TRY(const auto end, walk_frames(header, last));
    scan.next_lsn = end.lsn;
    return cut(end, last);
}

Result<SegmentHeader> Walker::open(std::uint32_t number) {
    path_ = segment_path(number);
    QUORATE_TRY(file_, volume_.open(path_, {}));
    auto header = read_segment_header(*file_);
    if (!header) {
        return fail(header.error().code, path_ + ": " + header.error().detail);
    }
    const bool is_start = number == super_.redo_segment && super_.redo_offset > kSegmentHeaderBytes;
    const bool in_order =
        is_start ? header->first_lsn < super_.redo_lsn : header->first_lsn == scan.next_lsn;
    if (header->store != super_.store || header->segment != number || !in_order) {
        return fail(errc::damaged, path_ + ": does not continue the journal at lsn " +
                                       std::to_string(scan.next_lsn) + " (first lsn " +
                                       std::to_string(header->first_lsn) + ")");
    }
    return header;
}

Result<WalkPlace> Walker::walk_frames(const SegmentHeader& header, bool last) {
    WalkPlace place{kSegmentHeaderBytes, scan.next_lsn};
    if (header.segment == super_.redo_segment) {
        place.offset = super_.redo_offset;
    }
    offsets_.clear();
    const bool check_data = !mutated("checksum_ignored");
    while (true) {
        QUORATE_TRY(const auto end,
                    walk_segment(*file_, header, place, check_data, [&](const FoundFrame& frame) {
                        return collect(header.segment, frame);
                    }));
        if (!end.damaged || end.damaged->header.type != FrameType::kBody) {
            return end.place;
        }
        place = {end.place.offset + end.damaged->header.frame_bytes(), end.place.lsn + 1};
        QUORATE_TRY(const bool lost, acknowledged(place, last));
        if (!lost) {
            return end.place;
        }
        log_.error("body_damaged", "file", path_, "offset", end.place.offset);
        ++scan.damaged_bodies;
        offsets_.push_back(end.place.offset);
    }
}

Status Walker::collect(std::uint32_t number, const FoundFrame& frame) {
    offsets_.push_back(frame.offset);
    last_behind_ = frame.header.behind;
    if (frame.header.type == FrameType::kChange) {
        ByteReader meta(frame.meta);
        scan.changes.push_back({frame.header.lsn, AccountId(meta.u64()), number,
                                frame.offset + frame.header.data_offset(),
                                frame.header.data_bytes});
    }
    return {};
}

// Whether what stands before `behind` was durable once: a later segment, or a later frame that was
// written in the knowledge of it.
Result<bool> Walker::acknowledged(WalkPlace behind, bool last) {
    if (!last) {
        return true;
    }
    return acknowledged_behind(*file_, behind.offset, behind.lsn, store_tag(super_.store));
}

Status Walker::cut(WalkPlace end, bool last) {
    QUORATE_TRY(const auto size, file_->size());
    if (size > end.offset && last) {
        QUORATE_TRY(const bool hole, acknowledged(end, last));
        if (hole) {
            return fail(errc::damaged, path_ + ": acknowledged frame at octet " +
                                           std::to_string(end.offset) + " is damaged");
        }
        QUORATE_CHECK(file_->truncate(end.offset));
    }
    if (mutated("recovered_tail_not_flushed")) {
        return {};
    }
    if (last && !mutated("last_group_not_rewritten")) {
        QUORATE_CHECK(rewrite_last_group(end.offset));
    }
    return file_->flush();
}

Status Walker::rewrite_last_group(std::uint64_t end) {
    if (offsets_.empty()) {
        return {};
    }
    const auto group = std::clamp<std::uint64_t>(last_behind_, 1, offsets_.size());
    std::string buffer;
    for (auto at = offsets_[offsets_.size() - group]; at < end; at += buffer.size()) {
        buffer.resize(static_cast<std::size_t>(std::min<std::uint64_t>(end - at, kWindow)));
        QUORATE_TRY(const auto got, file_->read(at, buffer));
        if (got != buffer.size()) {
            return fail(errc::damaged, path_ + ": shrinks while it is read");
        }
        const std::array<std::string_view, 1> pieces = {buffer};
        QUORATE_CHECK(file_->write(at, pieces));
    }
    return {};
}

// Segments at the end that were begun, but never flushed, have no header: removes them. Returns how
// many of `numbers` remain.
Result<std::size_t> drop_unwritten(Volume& volume, const std::vector<std::uint32_t>& numbers,
                                   const Super& super) {
    auto count = numbers.size();
    for (; count > 0; --count) {
        const auto number = numbers[count - 1];
        if (number < super.redo_segment ||
            (number == super.redo_segment && super.redo_offset > kSegmentHeaderBytes)) {
            break;
        }
        QUORATE_TRY(auto file, volume.open(segment_path(number), {}));
        const auto header = read_segment_header(*file);
        if (header || header.error().code != errc::damaged) {
            break;
        }
        file.reset();
        QUORATE_CHECK(volume.remove(segment_path(number)));
    }
    if (count < numbers.size()) {
        QUORATE_CHECK(volume.flush_folder("journal"));
    }
    return count;
}

}  // namespace

Result<SegmentHeader> read_segment_header(File& file) {
    std::string bytes(kSegmentHeaderBytes, '\0');
    QUORATE_TRY(const auto got, file.read(0, bytes));
    return decode_segment_header(std::string_view(bytes).substr(0, got));
}

Result<WalkEnd> walk_segment(File& file, const SegmentHeader& header, WalkPlace from, bool data,
                             const std::function<Status(const FoundFrame&)>& use) {
    Window window(file);
    WalkEnd end{from, std::nullopt};
    while (true) {
        QUORATE_TRY(auto frame, frame_at(window, end.place.offset, store_tag(header.store)));
        if (!frame || frame->header.lsn != end.place.lsn) {
            return end;
        }
        if (data) {
            QUORATE_TRY(const bool sound,
                        window.data_is_sound(end.place.offset + frame->header.data_offset(),
                                             frame->header.data_bytes, frame->header.data_crc));
            if (!sound) {
                end.damaged = std::move(frame);
                return end;
            }
        }
        QUORATE_CHECK(use(*frame));
        end.place.offset += frame->header.frame_bytes();
        ++end.place.lsn;
    }
}

Result<std::vector<std::uint32_t>> list_segments(Volume& volume) {
    QUORATE_TRY(const auto names, volume.list("journal"));
    std::vector<std::uint32_t> numbers;
    for (const auto& name : names) {
        if (name.size() > 4 && name.ends_with(".seg")) {
            if (const auto number = parse_u64(std::string_view(name).substr(0, name.size() - 4))) {
                numbers.push_back(static_cast<std::uint32_t>(*number));
            }
        }
    }
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

Result<Scan> scan_journal(Volume& volume, const Super& super, const Logger& log) {
    QUORATE_TRY(auto numbers, list_segments(volume));
    Walker walker(volume, super, log);
    walker.scan.next_segment =
        std::max(super.redo_segment, numbers.empty() ? 0 : numbers.back() + 1);
    QUORATE_TRY(const auto written, drop_unwritten(volume, numbers, super));
    numbers.resize(written);
    const auto first = std::lower_bound(numbers.begin(), numbers.end(), super.redo_segment);
    const bool must_exist = super.redo_offset > kSegmentHeaderBytes || first != numbers.end();
    if (must_exist && (first == numbers.end() || *first != super.redo_segment)) {
        return fail(errc::damaged, segment_path(super.redo_segment) + " is missing");
    }
    for (auto at = first; at != numbers.end(); ++at) {
        QUORATE_CHECK(walker.walk(*at, /*last=*/std::next(at) == numbers.end()));
    }
    log.info("journal_scanned", "next_lsn", walker.scan.next_lsn, "changes",
             walker.scan.changes.size());
    return std::move(walker.scan);
}

}  // namespace quorate::mail::store
