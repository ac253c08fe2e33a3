#include "large_body.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "base/text.hpp"
#include "body_reader.hpp"
#include "full.hpp"
#include "mail/store/errc.hpp"
#include "mutation.hpp"

namespace quorate::mail::store {
namespace {

constexpr std::uint32_t kMagic = 0x47524c51;  // "QLRG"
constexpr std::uint16_t kMajor = 1;
constexpr std::size_t kBufferBytes = 256 << 10;
constexpr std::uint64_t kBytesMax = std::numeric_limits<std::int32_t>::max();
constexpr std::uint32_t kNumbersMax = 0x7fffffff;

Status full_or(Status status) {
    if (!status && is_full(status.error().code)) {
        return fail(errc::volume_full, std::move(status.error().detail));
    }
    return status;
}

class LargeBodyImpl final : public Store::LargeBody {
public:
    LargeBodyImpl(Volume& volume, Id128 store, std::uint32_t number)
        : volume_(volume),
          store_(store),
          number_(number),
          path_(body_file_path(kLargeSegment + number)),
          draft_(path_ + ".new") {}

    ~LargeBodyImpl() override {
        if (!finished_) {
            file_.reset();
            static_cast<void>(volume_.remove(draft_));
        }
    }

    Status open() {
        OpenMode mode;
        mode.create = true;
        auto file = volume_.open(draft_, mode);
        if (!file) {
            return full_or(tl::unexpected(std::move(file).error()));
        }
        file_ = std::move(*file);
        return file_->truncate(0);
    }

    Status write(std::string_view bytes) override {
        if (size_ + bytes.size() > kBytesMax) {
            return fail(errc::too_large, "body beyond " + std::to_string(kBytesMax) + " octets");
        }
        crc_ = crc32c(bytes, crc_);
        size_ += bytes.size();
        buffer_.append(bytes);
        return buffer_.size() < kBufferBytes ? Status() : write_out();
    }

    Result<BodyRef> finish(std::span<const AccountId> owners) override {
        QUORATE_CHECK(write_out());
        std::string trailer;
        ByteWriter writer(trailer);
        for (const auto owner : owners) {
            writer.u64(owner.value());
        }
        writer.u32(crc32c(trailer));
        const auto header = encode(
            LargeHeader{number_, store_, size_, crc_, static_cast<std::uint32_t>(owners.size())});
        const std::array<std::string_view, 1> last = {trailer};
        const std::array<std::string_view, 1> first = {header};
        QUORATE_CHECK(full_or(file_->write(kLargeHeaderBytes + size_, last)));
        QUORATE_CHECK(full_or(file_->write(0, first)));
        QUORATE_CHECK(full_or(file_->flush()));
        QUORATE_CHECK(full_or(volume_.rename(draft_, path_)));
        if (!mutated("large_body_name_not_flushed")) {
            QUORATE_CHECK(full_or(volume_.flush_folder("large")));
        }
        finished_ = true;
        return BodyRef{kLargeSegment + number_, kLargeHeaderBytes, size_, crc_};
    }

private:
    Status write_out() {
        const std::array<std::string_view, 1> pieces = {buffer_};
        QUORATE_CHECK(full_or(file_->write(kLargeHeaderBytes + written_, pieces)));
        written_ += buffer_.size();
        buffer_.clear();
        return {};
    }

    Volume& volume_;
    const Id128 store_;
    const std::uint32_t number_;
    const std::string path_;
    const std::string draft_;
    std::unique_ptr<File> file_;
    std::string buffer_;
    std::uint64_t size_ = 0;
    std::uint64_t written_ = 0;
    std::uint32_t crc_ = 0;
    bool finished_ = false;
};

}  // namespace

std::string encode(const LargeHeader& header) {
    std::string out;
    ByteWriter writer(out);
    writer.u32(kMagic);
    writer.u16(kMajor);
    writer.u16(0);
    writer.u32(kLargeHeaderBytes);
    writer.u32(header.number);
    writer.u64(header.store.high);
    writer.u64(header.store.low);
    writer.u64(header.size);
    writer.u32(header.body_crc);
    writer.u32(header.owners);
    writer.u64(0);
    writer.u32(0);
    writer.u32(crc32c(out));
    QUORATE_ASSERT(out.size() == kLargeHeaderBytes);
    return out;
}

Result<LargeHeader> decode_large_header(std::string_view bytes) {
    ByteReader reader(bytes);
    const auto magic = reader.u32();
    const auto major = reader.u16();
    reader.u16();
    reader.u32();
    LargeHeader header;
    header.number = reader.u32();
    header.store.high = reader.u64();
    header.store.low = reader.u64();
    header.size = reader.u64();
    header.body_crc = reader.u32();
    header.owners = reader.u32();
    reader.u64();
    reader.u32();
    const auto crc = reader.u32();
    if (reader.failed() || magic != kMagic ||
        crc != crc32c(bytes.substr(0, kLargeHeaderBytes - 4))) {
        return fail(errc::damaged, "header: wrong magic or checksum");
    }
    if (major != kMajor) {
        return fail(errc::unsupported_version, "large body version " + std::to_string(major));
    }
    return header;
}

Result<std::vector<std::uint32_t>> LargeBodies::recover() {
    QUORATE_TRY(const auto names, volume_.list("large"));
    std::vector<std::uint32_t> segments;
    for (const auto& name : names) {
        const auto dot = std::min(name.find('.'), name.size());
        const auto number = parse_u64(std::string_view(name).substr(0, dot));
        if (!number || *number > kNumbersMax) {
            continue;
        }
        next_ = std::max(next_.load(), static_cast<std::uint32_t>(*number) + 1);
        if (name.ends_with(".new")) {
            QUORATE_CHECK(volume_.remove("large/" + name));
        } else {
            segments.push_back(kLargeSegment + static_cast<std::uint32_t>(*number));
        }
    }
    return segments;
}

Result<std::unique_ptr<Store::LargeBody>> LargeBodies::begin() {
    if (!reserve_.whole()) {
        return fail(errc::volume_full, "no reserve left");
    }
    const auto number = next_++;
    if (number > kNumbersMax) {
        return fail(errc::too_large, "no number left for a large body");
    }
    auto body = std::make_unique<LargeBodyImpl>(volume_, store_, number);
    QUORATE_CHECK(body->open());
    return std::unique_ptr<Store::LargeBody>(std::move(body));
}

Result<std::vector<AccountId>> LargeBodies::owners(std::uint32_t segment) {
    const auto path = body_file_path(segment);
    QUORATE_TRY(auto file, volume_.open(path, {}));
    std::string bytes(kLargeHeaderBytes, '\0');
    QUORATE_TRY(const auto got, file->read(0, bytes));
    bytes.resize(got);
    auto header = decode_large_header(bytes);
    if (!header || header->store != store_ || header->number != segment - kLargeSegment) {
        return fail(errc::damaged, path + " offset 0: not the header of this body");
    }
    QUORATE_TRY(const auto size, file->size());
    const auto start = kLargeHeaderBytes + header->size;
    const auto length = std::uint64_t{8} * header->owners + 4;
    if (header->size > size || size != start + length) {
        return fail(errc::damaged, path + ": is " + std::to_string(size) + " octets long");
    }
    bytes.resize(length);
    QUORATE_TRY(const auto rest, file->read(start, bytes));
    ByteReader reader(std::string_view(bytes).substr(0, rest));
    std::vector<AccountId> owners(header->owners);
    for (auto& owner : owners) {
        owner = AccountId(reader.u64());
    }
    if (reader.u32() != crc32c(std::string_view(bytes).substr(0, length - 4)) ||
        !reader.complete()) {
        return fail(errc::damaged,
                    path + " offset " + std::to_string(start) + ": owners: wrong checksum");
    }
    return owners;
}

}  // namespace quorate::mail::store
