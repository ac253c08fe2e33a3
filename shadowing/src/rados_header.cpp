#include "shadowing/rados_header.hpp"

#include <fmt/core.h>

#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "shadowing/errc.hpp"

namespace quorate::shadowing {
namespace {

constexpr std::uint64_t kMagic = 0x424d'454d'4441'5251;  // "QRADMEMB"
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kReserved = 28;
constexpr std::uint8_t kMinShift = 16;
constexpr std::uint8_t kMaxShift = 26;
constexpr std::uint64_t kMaxOctets = std::uint64_t{1} << 60;

}  // namespace

std::string encode(const RadosHeader& header) {
    std::string bytes;
    ByteWriter out(bytes);
    out.u64(kMagic);
    out.u16(kVersion);
    out.u16(kRadosHeader);
    out.u8(header.object_shift);
    out.u8(0);
    out.u16(0);
    out.u64(header.octets);
    out.u64(header.life);
    out.raw(std::string(kReserved, '\0'));
    out.u32(crc32c(bytes));
    return bytes;
}

Result<RadosHeader> decode_rados_header(std::string_view bytes) {
    ByteReader in(bytes);
    if (in.u64() != kMagic) {
        return fail(errc::not_a_member, "no header of a member in RADOS");
    }
    if (in.u16() != kVersion) {
        return fail(errc::unsupported_version, "the header of the member in RADOS");
    }
    RadosHeader header;
    const auto size = in.u16();
    header.object_shift = in.u8();
    const bool zero = in.u8() == 0 && in.u16() == 0;
    header.octets = in.u64();
    header.life = in.u64();
    const bool reserved = in.raw(kReserved) == std::string(kReserved, '\0');
    const auto checksum = in.u32();
    const bool sound = in.complete() && size == kRadosHeader && bytes.size() == kRadosHeader &&
                       zero && reserved && checksum == crc32c(bytes.substr(0, kRadosHeader - 4)) &&
                       header.object_shift >= kMinShift && header.object_shift <= kMaxShift &&
                       header.octets > 0 && header.octets <= kMaxOctets;
    if (!sound) {
        return fail(errc::damaged, "the header of the member in RADOS");
    }
    return header;
}

std::string rados_object_name(std::string_view member, std::uint64_t index) {
    return fmt::format("{}.{:016x}", member, index);
}

}  // namespace quorate::shadowing
