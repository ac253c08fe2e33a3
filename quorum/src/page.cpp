#include "quorum/page.hpp"

#include <fmt/core.h>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "codec.hpp"
#include "quorum/errc.hpp"

namespace quorate::quorum {
namespace {

constexpr std::uint32_t kMagic = 0x4b534451;  // "QDSK"
constexpr std::uint8_t kMajor = 1;
constexpr std::uint8_t kMinor = 0;

bool all_zero(std::string_view bytes) {
    return bytes.find_first_not_of('\0') == std::string_view::npos;
}

}  // namespace

std::string seal(const PageHead& head, std::string_view fields) {
    QUORATE_ASSERT(fields.size() <= kMaxFields);
    std::string page;
    page.reserve(kPageBytes);
    ByteWriter out(page);
    out.u32(kMagic);
    out.u8(kMajor);
    out.u8(kMinor);
    out.u16(static_cast<std::uint16_t>(head.kind));
    out.u32(static_cast<std::uint32_t>(fields.size()));
    out.u32(head.owner.value());
    out.u64(head.sequence);
    put(out, head.cluster);
    out.u16(head.copy);
    out.u16(0);
    QUORATE_ASSERT(page.size() == kEnvelopeBytes);
    out.raw(fields);
    page.resize(kPageBytes - 4, '\0');
    out.u32(crc32c(page));
    return page;
}

Result<OpenedPage> open_page(std::string_view bytes, PageKind kind, NodeId owner) {
    if (bytes.size() != kPageBytes) {
        return fail(errc::damaged, "quorum disk: not a page");
    }
    ByteReader in(bytes);
    if (in.u32() != kMagic) {
        return all_zero(bytes) ? fail(errc::blank, "quorum disk: page never written")
                               : fail(errc::damaged, "quorum disk: not a page of ours");
    }
    const auto major = in.u8();
    const auto minor = in.u8();
    const auto covered = bytes.substr(0, kPageBytes - 4);
    if (ByteReader(bytes.substr(kPageBytes - 4)).u32() != crc32c(covered)) {
        return fail(errc::damaged, "quorum disk: checksum");
    }
    if (major != kMajor) {
        return fail(errc::unsupported_version, fmt::format("quorum disk: version {}", major));
    }
    OpenedPage page;
    const auto found = in.u16();
    const auto size = in.u32();
    page.head.kind = kind;
    page.head.owner = NodeId(in.u32());
    page.head.sequence = in.u64();
    page.head.cluster = get_uuid(in);
    page.head.copy = in.u16();
    const auto reserved = in.u16();
    if (found != static_cast<std::uint16_t>(kind) || page.head.owner != owner) {
        return fail(errc::foreign, fmt::format("quorum disk: page of node {}, kind {}",
                                               page.head.owner.value(), found));
    }
    page.surplus_allowed = minor > kMinor;
    if (size > kMaxFields || reserved != 0 || page.head.copy >= kHeaderCopies ||
        (kind != PageKind::kHeader && page.head.copy != 0)) {
        return fail(errc::damaged, "quorum disk: envelope");
    }
    page.fields = bytes.substr(kEnvelopeBytes, size);
    if (!all_zero(covered.substr(kEnvelopeBytes + size))) {
        return fail(errc::damaged, "quorum disk: octets after the fields");
    }
    return page;
}

}  // namespace quorate::quorum
