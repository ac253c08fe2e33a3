#include "journal.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <tuple>

#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "full.hpp"
#include "mail/store/errc.hpp"
#include "mutation.hpp"

namespace quorate::mail::store {
namespace {

constexpr std::string_view kPadding("\0\0\0\0\0\0\0", 7);
constexpr std::size_t kOwnersMax = 8000;  // what a frame's meta holds

}  // namespace

std::string segment_path(std::uint32_t segment) {
    std::array<char, 32> name;
    std::snprintf(name.data(), name.size(), "journal/%08u.seg", segment);
    return name.data();
}

Journal::Journal(Volume& volume, JournalOptions options, std::function<bool()> make_room,
                 Logger log)
    : volume_(volume),
      options_(std::move(options)),
      make_room_(std::move(make_room)),
      log_(std::move(log)),
      next_lsn_(options_.next_lsn),
      next_segment_(options_.next_segment),
      durable_(options_.next_lsn - 1) {}

Result<BodyRef> Journal::put_body(std::vector<std::string> pieces,
                                  std::span<const AccountId> owners, Need need) {
    if (owners.size() > kOwnersMax) {
        return fail(errc::too_large, "owners of a body: " + std::to_string(owners.size()));
    }
    Frame frame;
    frame.header.type = FrameType::kBody;
    ByteWriter meta(frame.meta);
    for (const auto owner : owners) {
        meta.u64(owner.value());
    }
    std::uint64_t size = 0;
    for (const auto& piece : pieces) {
        size += piece.size();
        frame.header.data_crc = crc32c(piece, frame.header.data_crc);
    }
    if (size > UINT32_MAX / 2) {
        return fail(errc::too_large, "body of " + std::to_string(size) + " octets");
    }
    frame.header.data_bytes = static_cast<std::uint32_t>(size);
    frame.data = std::move(pieces);
    std::unique_lock lock(mutex_);
    QUORATE_CHECK(place(lock, frame, need));
    const BodyRef ref{frame.segment, frame.offset + kFrameHeaderBytes + frame.meta.size(), size,
                      frame.header.data_crc};
    push(std::move(frame));
    return ref;
}

Result<Lsn> Journal::put_change(AccountId account, std::string ops) {
    if (ops.size() > UINT32_MAX / 2) {
        return fail(errc::too_large, "change of " + std::to_string(ops.size()) + " octets");
    }
    Frame frame;
    frame.header.type = FrameType::kChange;
    frame.header.data_crc = crc32c(ops);
    frame.header.data_bytes = static_cast<std::uint32_t>(ops.size());
    ByteWriter(frame.meta).u64(account.value());
    frame.data.push_back(std::move(ops));
    std::unique_lock lock(mutex_);
    QUORATE_CHECK(place(lock, frame, Need::kEssential));
    const Lsn lsn(frame.header.lsn);
    push(std::move(frame));
    return lsn;
}

// Of a small segment, as tests have them, not all.
std::uint64_t Journal::reserve() const {
    return std::min(kReserveBytes, options_.segment_bytes / 8);
}

// Gives the frame its place and LSN, or fails and has changed nothing that matters.
Status Journal::place(std::unique_lock<std::mutex>& lock, Frame& frame, Need need) {
    while (pending_bytes_ > kQueueBytes && !failed_) {
        if (options_.threaded) {
            progress_.wait(lock);
        } else {
            lock.unlock();
            flush_group();
            lock.lock();
        }
    }
    if (failed_) {
        return fail(errc::journal_failed, "an earlier write failed");
    }
    frame.header.meta_bytes = static_cast<std::uint16_t>(frame.meta.size());
    const auto needed = frame.header.frame_bytes();
    const auto kept = need == Need::kEssential ? 0 : reserve();
    if (segments_.empty() || segments_.rbegin()->second.used + needed + kept >
                                 segments_.rbegin()->second.header.capacity) {
        QUORATE_CHECK(begin_segment(needed, need));
    }
    auto& segment = segments_.rbegin()->second;
    frame.header.store_tag = store_tag(options_.store);
    frame.header.lsn = next_lsn_++;
    frame.segment = segment.header.segment;
    frame.offset = segment.used;
    segment.used += needed;
    pending_bytes_ += needed;
    position_ += needed;
    return {};
}

Status Journal::begin_segment(std::uint64_t needed, Need need) {
    Segment segment;
    segment.header.segment = next_segment_;
    segment.header.store = options_.store;
    segment.header.capacity =
        std::max(options_.segment_bytes, kSegmentHeaderBytes + needed + reserve());
    segment.header.first_lsn = next_lsn_;
    const auto path = segment_path(next_segment_);
    auto allocated = allocate_segment(path, segment.header.capacity, segment.file);
    if (!allocated && need == Need::kEssential && is_full(allocated.error().code) && make_room_()) {
        allocated = allocate_segment(path, segment.header.capacity, segment.file);
    }
    if (!allocated) {
        return is_full(allocated.error().code)
                   ? fail(errc::volume_full, std::move(allocated.error().detail))
                   : std::move(allocated);
    }
    segments_.emplace(next_segment_++, std::move(segment));
    return {};
}

Status Journal::allocate_segment(const std::string& path, std::uint64_t capacity,
                                 std::unique_ptr<File>& file) {
    OpenMode mode;
    mode.create = true;
    QUORATE_TRY(file, volume_.open(path, mode));
    if (mutated("segment_not_allocated")) {
        return {};
    }
    if (auto reserved = file->allocate(capacity); !reserved) {
        file.reset();
        static_cast<void>(volume_.remove(path));
        return reserved;
    }
    return {};
}

void Journal::push(Frame frame) {
    pending_.push_back(std::move(frame));
    ++counters_.records;
    work_.notify_one();
}

Lsn Journal::newest() const {
    std::lock_guard lock(mutex_);
    return Lsn(next_lsn_ - 1);
}

std::uint32_t Journal::current_segment() const {
    std::lock_guard lock(mutex_);
    return next_segment_ - 1;
}

JournalMark Journal::next_mark() const {
    std::lock_guard lock(mutex_);
    if (segments_.empty()) {
        return {next_lsn_, next_segment_, kSegmentHeaderBytes};
    }
    const auto& current = segments_.rbegin()->second;
    return {next_lsn_, current.header.segment, current.used};
}

std::uint64_t Journal::position() const {
    std::lock_guard lock(mutex_);
    return position_;
}

Status Journal::wait_durable(Lsn lsn) {
    if (!options_.threaded) {
        while (durable() < lsn && flush_group()) {
        }
    }
    std::unique_lock lock(mutex_);
    progress_.wait(lock, [&] { return failed_ || durable() >= lsn || !options_.threaded; });
    if (durable() < lsn) {
        return fail(errc::journal_failed, "an earlier write failed");
    }
    return {};
}

void Journal::on_durable(std::function<void(Lsn, bool)> callback) {
    std::lock_guard lock(mutex_);
    callback_ = std::move(callback);
}

std::optional<std::string> Journal::read_waiting(const BodyRef& ref, std::uint64_t offset,
                                                 std::uint64_t size) const {
    std::lock_guard lock(mutex_);
    for (const auto* frames : {&pending_, &in_flight_}) {
        const auto after =
            std::upper_bound(frames->begin(), frames->end(), std::tie(ref.segment, ref.offset),
                             [](const auto& place, const Frame& frame) {
                                 return place < std::tie(frame.segment, frame.offset);
                             });
        if (after == frames->begin()) {
            continue;
        }
        const auto& frame = *std::prev(after);
        if (frame.header.type != FrameType::kBody || frame.segment != ref.segment ||
            frame.offset + frame.header.data_offset() != ref.offset) {
            continue;
        }
        std::string part;
        for (const auto& piece : frame.data) {
            if (offset < piece.size()) {
                part.append(piece, offset, size - part.size());
                offset = 0;
            } else {
                offset -= piece.size();
            }
        }
        return part;
    }
    return std::nullopt;
}

bool Journal::wait_for_work() {
    std::unique_lock lock(mutex_);
    work_.wait(lock, [this] { return stopping_ || !pending_.empty(); });
    return !pending_.empty();
}

void Journal::stop() {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    work_.notify_all();
}

bool Journal::flush_group() {
    if (!take_group()) {
        return false;
    }
    group_written(write_group());
    return true;
}

bool Journal::take_group() {
    std::lock_guard lock(mutex_);
    if (pending_.empty() || failed_) {
        return false;
    }
    in_flight_.swap(pending_);
    pending_bytes_ = 0;
    progress_.notify_all();
    return true;
}

Status Journal::write_group() {
    const auto durable = durable_.load(std::memory_order_relaxed);
    std::size_t first = 0;
    while (first < in_flight_.size()) {
        const auto number = in_flight_[first].segment;
        std::size_t last = first;
        for (; last < in_flight_.size() && in_flight_[last].segment == number; ++last) {
            auto& frame = in_flight_[last];
            frame.header.behind = static_cast<std::uint32_t>(frame.header.lsn - durable);
            frame.encoded = encode(frame.header, frame.meta);
        }
        seal_before(number);
        Segment* segment = nullptr;
        {
            std::lock_guard lock(mutex_);
            segment = &segments_.at(number);
        }
        QUORATE_CHECK(write_part(*segment, {&in_flight_[first], last - first}));
        first = last;
    }
    return {};
}

// Older segments are written and flushed to their ends: the rest of their reservation goes back.
void Journal::seal_before(std::uint32_t number) {
    std::vector<Segment> sealed;
    {
        std::lock_guard lock(mutex_);
        while (!segments_.empty() && segments_.begin()->first < number) {
            sealed.push_back(std::move(segments_.begin()->second));
            segments_.erase(segments_.begin());
        }
    }
    for (const auto& segment : sealed) {
        if (const auto cut = segment.file->truncate(segment.used); !cut) {
            log_.warn("segment_not_trimmed", "reason", cut.error().to_string());
        }
    }
}

Status Journal::write_part(Segment& segment, std::span<const Frame> frames) {
    std::vector<std::string_view> pieces;
    std::string header;
    auto offset = frames.front().offset;
    if (!segment.header_written) {
        header = encode(segment.header);
        pieces.push_back(header);
        offset = 0;
        segment.header_written = true;
    }
    for (const auto& frame : frames) {
        pieces.push_back(frame.encoded);
        pieces.insert(pieces.end(), frame.data.begin(), frame.data.end());
        const auto tail = frame.header.data_offset() + frame.header.data_bytes;
        pieces.push_back(kPadding.substr(0, frame.header.frame_bytes() - tail));
    }
    QUORATE_CHECK(segment.file->write(offset, pieces));
    const bool last = &frames.back() == &in_flight_.back();
    if (mutated("flush_skipped") || (mutated("segments_flushed_out_of_order") && !last)) {
        return {};
    }
    return segment.file->flush();
}

void Journal::group_written(const Status& status) {
    std::function<void(Lsn, bool)> callback;
    {
        std::lock_guard lock(mutex_);
        if (status || mutated("failed_flush_published")) {
            durable_.store(in_flight_.back().header.lsn, std::memory_order_release);
            for (const auto& frame : in_flight_) {
                counters_.bytes += frame.header.frame_bytes();
            }
            ++counters_.flushes;
            in_flight_.clear();
        } else {
            failed_ = true;  // in_flight_ stays readable
        }
        callback = callback_;
    }
    progress_.notify_all();
    if (!status) {
        log_.error("journal_failed", "reason", status.error().to_string());
    }
    if (callback) {
        callback(durable(), !status.has_value());
    }
}

Journal::Counters Journal::counters() const {
    std::lock_guard lock(mutex_);
    return counters_;
}

}  // namespace quorate::mail::store
