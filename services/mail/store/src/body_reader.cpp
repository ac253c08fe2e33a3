#include "body_reader.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/crc32c.hpp"
#include "mail/store/errc.hpp"

namespace quorate::mail::store {
namespace {

constexpr std::size_t kFilesMax = 128;
constexpr std::size_t kVerifiedMax = 4096;
constexpr std::uint64_t kWholeBytes = 64 << 10;  // smaller ones are read whole each time
constexpr std::size_t kStep = 256 << 10;

tl::unexpected<Error> body_damaged(const BodyRef& ref, const char* what) {
    return fail(errc::damaged, body_file_path(ref.segment) + " offset " +
                                   std::to_string(ref.offset) + ": " + what);
}

Result<std::string> read_exactly(File& file, const BodyRef& ref, std::uint64_t offset,
                                 std::uint64_t size) {
    std::string bytes(static_cast<std::size_t>(size), '\0');
    QUORATE_TRY(const auto got, file.read(ref.offset + offset, bytes));
    if (got != size) {
        return body_damaged(ref, "the file ends inside the body");
    }
    return bytes;
}

Status check_whole(File& file, const BodyRef& ref) {
    std::uint32_t crc = 0;
    for (std::uint64_t at = 0; at < ref.size;) {
        const auto step = std::min<std::uint64_t>(kStep, ref.size - at);
        QUORATE_TRY(const auto bytes, read_exactly(file, ref, at, step));
        crc = crc32c(bytes, crc);
        at += step;
    }
    return crc == ref.crc32c ? Status() : body_damaged(ref, "wrong checksum");
}

template <class Recent, class Key>
auto* find_recent(Recent& recent, const Key& key) {
    const auto place = recent.places.find(key);
    if (place == recent.places.end()) {
        return static_cast<decltype(&recent.order.front().second)>(nullptr);
    }
    recent.order.splice(recent.order.begin(), recent.order, place->second);
    return &recent.order.front().second;
}

template <class Recent, class Key, class Value>
void add_recent(Recent& recent, const Key& key, Value value, std::size_t limit) {
    if (recent.places.contains(key)) {
        return;
    }
    recent.order.emplace_front(key, std::move(value));
    recent.places[key] = recent.order.begin();
    if (recent.order.size() > limit) {
        recent.places.erase(recent.order.back().first);
        recent.order.pop_back();
    }
}

}  // namespace

std::string body_file_path(std::uint32_t segment) {
    if (segment < kLargeSegment) {
        return segment_path(segment);
    }
    std::array<char, 32> name;
    std::snprintf(name.data(), name.size(), "large/%08u.body", segment - kLargeSegment);
    return name.data();
}

Result<std::string> BodyReader::read(const BodyRef& ref, std::uint64_t offset, std::uint64_t size) {
    if (offset >= ref.size) {
        return std::string();
    }
    size = std::min(size, ref.size - offset);
    const auto now = relocations_.resolve(ref);
    auto result = read_at(now, offset, size);
    if (!result) {
        // Compaction may have taken the file away in between.
        const auto later = relocations_.resolve(now);
        if (later.segment != now.segment) {
            return read_at(later, offset, size);
        }
    }
    return result;
}

Result<std::string> BodyReader::read_at(const BodyRef& ref, std::uint64_t offset,
                                        std::uint64_t size) {
    if (auto waiting = journal_.read_waiting(ref, offset, size)) {
        return std::move(*waiting);
    }
    QUORATE_TRY(const auto opened, file(ref.segment));
    if (ref.size <= kWholeBytes) {
        QUORATE_TRY(auto whole, read_exactly(*opened, ref, 0, ref.size));
        if (crc32c(whole) != ref.crc32c) {
            return body_damaged(ref, "wrong checksum");
        }
        if (size == ref.size) {
            return whole;
        }
        return whole.substr(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
    }
    const Key key(ref.segment, ref.offset);
    if (!is_verified(key)) {
        QUORATE_CHECK(check_whole(*opened, ref));
        set_verified(key);
    }
    return read_exactly(*opened, ref, offset, size);
}

Status BodyReader::verify(const BodyRef& ref) {
    if (journal_.read_waiting(ref, 0, 0)) {
        return {};  // not written yet
    }
    QUORATE_TRY(const auto opened, file(ref.segment));
    return check_whole(*opened, ref);
}

void BodyReader::forget(std::uint32_t segment) {
    std::lock_guard lock(mutex_);
    const auto place = files_.places.find({segment, 0});
    if (place != files_.places.end()) {
        files_.order.erase(place->second);
        files_.places.erase(place);
    }
    const auto first = verified_.places.lower_bound({segment, 0});
    auto last = first;
    for (; last != verified_.places.end() && last->first.first == segment; ++last) {
        verified_.order.erase(last->second);
    }
    verified_.places.erase(first, last);
}

Result<std::shared_ptr<File>> BodyReader::file(std::uint32_t segment) {
    const Key key(segment, 0);
    {
        std::lock_guard lock(mutex_);
        if (auto* const found = find_recent(files_, key)) {
            return *found;
        }
    }
    auto opened = volume_.open(body_file_path(segment), {});
    if (!opened) {
        return fail(opened.error().code == std::errc::no_such_file_or_directory
                        ? make_error_code(errc::damaged)
                        : opened.error().code,
                    opened.error().detail);
    }
    std::shared_ptr<File> shared = std::move(*opened);
    std::lock_guard lock(mutex_);
    add_recent(files_, key, shared, kFilesMax);
    return shared;
}

bool BodyReader::is_verified(const Key& key) {
    std::lock_guard lock(mutex_);
    return find_recent(verified_, key) != nullptr;
}

void BodyReader::set_verified(const Key& key) {
    std::lock_guard lock(mutex_);
    add_recent(verified_, key, true, kVerifiedMax);
}

}  // namespace quorate::mail::store
