#include "codec.hpp"

#include <fmt/core.h>

#include "quorum/errc.hpp"

namespace quorate::quorum {

// In the order of its text, as everybody writes UUIDs.
void put(ByteWriter& out, const Uuid& uuid) {
    for (const auto half : {uuid.high, uuid.low}) {
        for (unsigned shift = 64; shift > 0; shift -= 8) {
            out.u8(static_cast<std::uint8_t>(half >> (shift - 8)));
        }
    }
}

Uuid get_uuid(ByteReader& in) {
    Uuid uuid;
    for (auto* half : {&uuid.high, &uuid.low}) {
        for (unsigned octet = 0; octet < 8; ++octet) {
            *half = *half << 8 | in.u8();
        }
    }
    return uuid;
}

void put(ByteWriter& out, const RingId& ring) {
    out.u32(ring.node.value());
    out.u64(ring.sequence);
}

RingId get_ring(ByteReader& in) {
    const NodeId node(in.u32());
    return {node, in.u64()};
}

void put(ByteWriter& out, const Award& award) {
    put(out, award.ring);
    out.u64(award.members.bits());
}

Award get_award(ByteReader& in) {
    const auto ring = get_ring(in);
    return {ring, NodeSet(in.u64())};
}

void put_text(ByteWriter& out, std::string_view text) {
    out.u16(static_cast<std::uint16_t>(text.size()));
    out.raw(text);
}

std::string_view get_text(ByteReader& in, std::size_t limit, bool& sound) {
    const std::size_t size = in.u16();
    if (size > limit) {
        sound = false;
        return {};
    }
    return in.raw(size);
}

Status check_read(const ByteReader& fields, const OpenedPage& page, bool sound) {
    if (!sound || fields.failed() || (!fields.at_end() && !page.surplus_allowed)) {
        return fail(errc::damaged, fmt::format("quorum disk: fields of page kind {}",
                                               static_cast<int>(page.head.kind)));
    }
    return {};
}

}  // namespace quorate::quorum
