#include "quorum/header.hpp"

#include <fmt/core.h>

#include "codec.hpp"
#include "quorum/errc.hpp"

namespace quorate::quorum {
namespace {

// Features a reader must know, and this one wants: each page has two sides.
constexpr std::uint32_t kTwoSides = 1;

std::uint32_t as_u32(Timing::ms time) { return static_cast<std::uint32_t>(time.count()); }

void put(ByteWriter& out, const Timing& timing) {
    for (const auto time :
         {timing.heartbeat, timing.late_io, timing.lease, timing.poll, timing.vote_timeout,
          timing.sync_timeout, timing.watchdog, timing.silence, timing.guard}) {
        out.u32(as_u32(time));
    }
    out.u32(timing.clock_error_ppm);
}

Timing get_timing(ByteReader& in) {
    Timing timing;
    for (auto* time :
         {&timing.heartbeat, &timing.late_io, &timing.lease, &timing.poll, &timing.vote_timeout,
          &timing.sync_timeout, &timing.watchdog, &timing.silence, &timing.guard}) {
        *time = Timing::ms(in.u32());
    }
    timing.clock_error_ppm = in.u32();
    return timing;
}

}  // namespace

std::string encode(const Header& header, std::uint16_t copy) {
    std::string fields;
    ByteWriter out(fields);
    out.u32(kTwoSides);
    put(out, header.disk);
    out.u8(header.index);
    out.u8(header.count);
    out.u16(header.nodes);
    put(out, header.timing);
    put_text(out, header.label);
    return seal({PageKind::kHeader, NodeId(), 1, header.cluster, copy}, fields);
}

Result<Header> decode_header(std::string_view bytes) {
    QUORATE_TRY(const auto page, open_page(bytes, PageKind::kHeader, NodeId()));
    ByteReader in(page.fields);
    Header header;
    bool sound = true;
    const auto features = in.u32();
    if (features != kTwoSides) {
        return fail(errc::unsupported_version,
                    fmt::format("quorum disk: features {:#x}, wanted {:#x}; format it anew",
                                features, kTwoSides));
    }
    header.cluster = page.head.cluster;
    header.disk = get_uuid(in);
    header.index = in.u8();
    header.count = in.u8();
    header.nodes = in.u16();
    header.timing = get_timing(in);
    header.label = get_text(in, kMaxLabel, sound);
    QUORATE_CHECK(check_read(in, page, sound));
    if ((header.count != 1 && header.count != 3) || header.index >= header.count ||
        header.nodes < 1 || header.nodes > kMaxNodes) {
        return fail(errc::damaged, "quorum disk: header");
    }
    QUORATE_CHECK(check(header.timing));
    return header;
}

Result<Header> decode_header(std::string_view first, std::string_view second) {
    auto header = decode_header(first);
    if (!header && header.error().code != errc::unsupported_version) {
        if (auto other = decode_header(second)) {
            return other;
        }
    }
    return header;
}

}  // namespace quorate::quorum
