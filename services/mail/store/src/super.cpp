#include "super.hpp"

#include <array>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "mail/store/errc.hpp"

namespace quorate::mail::store {
namespace {

constexpr std::uint32_t kMagic = 0x50555351;  // "QSUP"
constexpr std::uint16_t kMajor = 1;
constexpr std::uint64_t kBytes = 64;
constexpr std::uint64_t kDistance = 4096;  // between the copies

}  // namespace

std::string encode(const Super& super) {
    std::string out;
    ByteWriter writer(out);
    writer.u32(kMagic);
    writer.u16(kMajor);
    writer.u16(0);
    writer.u32(kBytes);
    writer.u32(static_cast<std::uint32_t>(super.sequence % 2));
    writer.u64(super.store.high);
    writer.u64(super.store.low);
    writer.u64(super.sequence);
    writer.u64(super.redo_lsn);
    writer.u32(super.redo_segment);
    writer.u64(super.redo_offset);
    writer.u32(crc32c(out));
    QUORATE_ASSERT(out.size() == kBytes);
    return out;
}

Result<Super> decode_super(std::string_view bytes) {
    ByteReader reader(bytes);
    const auto magic = reader.u32();
    const auto major = reader.u16();
    reader.u16();
    reader.u32();
    reader.u32();
    Super super;
    super.store.high = reader.u64();
    super.store.low = reader.u64();
    super.sequence = reader.u64();
    super.redo_lsn = reader.u64();
    super.redo_segment = reader.u32();
    super.redo_offset = reader.u64();
    const auto crc = reader.u32();
    if (reader.failed() || magic != kMagic || crc != crc32c(bytes.substr(0, kBytes - 4))) {
        return fail(errc::damaged, "journal/super: wrong magic or checksum");
    }
    if (major != kMajor) {
        return fail(errc::unsupported_version, "journal/super version " + std::to_string(major));
    }
    return super;
}

Result<std::optional<Super>> read_super(Volume& volume) {
    QUORATE_TRY(const bool exists, volume.exists(kSuperPath));
    if (!exists) {
        return std::optional<Super>();
    }
    QUORATE_TRY(auto file, volume.open(kSuperPath, {}));
    std::optional<Super> newest;
    Error why;
    for (std::uint64_t copy = 0; copy < 2; ++copy) {
        std::array<char, kBytes> buffer;
        QUORATE_TRY(const auto got, file->read(copy * kDistance, buffer));
        auto super = decode_super({buffer.data(), got});
        if (!super) {
            if (super.error().code == errc::unsupported_version) {
                return tl::unexpected(super.error());
            }
            why = super.error();
        } else if (!newest || newest->sequence < super->sequence) {
            newest = *super;
        }
    }
    if (!newest) {
        return tl::unexpected(why);
    }
    return newest;
}

Status write_super(Volume& volume, const Super& super) {
    OpenMode mode;
    mode.create = true;
    QUORATE_TRY(auto file, volume.open(kSuperPath, mode));
    const auto bytes = encode(super);
    const std::array<std::string_view, 1> pieces = {bytes};
    QUORATE_CHECK(file->write(super.sequence % 2 * kDistance, pieces));
    return file->flush();
}

}  // namespace quorate::mail::store
