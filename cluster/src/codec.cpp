#include "codec.hpp"

namespace quorate::cluster {

void put(ByteWriter& out, MemberId id) {
    out.u32(id.node.value());
    out.u64(id.incarnation.value());
}

MemberId get_member_id(ByteReader& in) {
    const NodeId node(in.u32());
    return {node, Incarnation(in.u64())};
}

void put(ByteWriter& out, const std::vector<MemberId>& ids) {
    out.u16(static_cast<std::uint16_t>(ids.size()));
    for (const auto id : ids) {
        put(out, id);
    }
}

std::vector<MemberId> get_member_ids(ByteReader& in, std::size_t limit, bool& sound) {
    const std::size_t count = in.u16();
    if (count > limit) {
        sound = false;
        return {};
    }
    std::vector<MemberId> ids;
    ids.reserve(count);
    for (std::size_t i = 0; i < count && !in.failed(); ++i) {
        ids.push_back(get_member_id(in));
    }
    return ids;
}

void put(ByteWriter& out, const Lineage& lineage) {
    out.u64(lineage.epoch.value());
    out.u64(lineage.known.value());
    out.u16(lineage.level);
    put(out, lineage.members);
    put(out, lineage.lost);
}

Lineage get_lineage(ByteReader& in, bool& sound) {
    Lineage lineage;
    lineage.epoch = Epoch(in.u64());
    lineage.known = Epoch(in.u64());
    lineage.level = in.u16();
    lineage.members = get_member_ids(in, kMaxMembers, sound);
    lineage.lost = get_member_ids(in, kMaxLost, sound);
    sound = sound && (lineage.known < lineage.epoch || lineage == Lineage{});
    return lineage;
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

}  // namespace quorate::cluster
