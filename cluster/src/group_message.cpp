#include "cluster/group_message.hpp"

#include <optional>

#include "base/crc32c.hpp"
#include "cluster/errc.hpp"
#include "codec.hpp"
#include "hash.hpp"

namespace quorate::cluster {
namespace {

constexpr std::uint32_t kMagic = 0x50524751;  // "QGRP"
constexpr std::uint8_t kMajor = 1;
constexpr std::uint8_t kMinor = 2;  // hello has since 1 `draining`, since 2 `may_have_joined`

enum class Kind : std::uint8_t { kHello = 1, kVouch = 2, kSilent = 3, kFencing = 4 };

void put(ByteWriter& out, const Configuration& configuration) {
    out.u32(configuration.ring.node.value());
    out.u64(configuration.ring.sequence);
    out.u64(configuration.members);
}

Configuration get_configuration(ByteReader& in) {
    Configuration configuration;
    configuration.ring.node = NodeId(in.u32());
    configuration.ring.sequence = in.u64();
    configuration.members = in.u64();
    return configuration;
}

void put(ByteWriter& out, const Member& member) {
    put(out, member.id);
    put_text(out, member.name);
    put_text(out, member.software);
    out.u8(static_cast<std::uint8_t>(member.addresses.size()));
    for (const auto& address : member.addresses) {
        put_text(out, address);
    }
    out.u32(member.votes);
    out.u32(member.directory_weight);
    out.u16(member.levels.lowest);
    out.u16(member.levels.highest);
}

Member get_member(ByteReader& in, bool& sound) {
    Member member;
    member.id = get_member_id(in);
    member.name = get_text(in, kMaxText, sound);
    member.software = get_text(in, kMaxText, sound);
    const std::size_t rings = in.u8();
    sound = sound && rings <= kMaxRings;
    for (std::size_t i = 0; i < rings && sound && !in.failed(); ++i) {
        member.addresses.emplace_back(get_text(in, kMaxText, sound));
    }
    member.votes = in.u32();
    member.directory_weight = in.u32();
    member.levels.lowest = in.u16();
    member.levels.highest = in.u16();
    return member;
}

void put(ByteWriter& out, const Hello& hello) {
    put(out, hello.configuration);
    out.u32(hello.attempt);
    put(out, hello.self);
    put_text(out, hello.cluster_name);
    put_text(out, hello.key_fingerprint);
    out.u64(hello.floor.value());
    out.u64(hello.disk_floor.value());
    put(out, hello.lineage);
    out.u64(hello.joined.value());
    out.u8(hello.quorate ? 1 : 0);
    out.u32(hello.expected_votes);
    out.u32(hello.quorum);
    out.u32(hello.disk_votes);
    out.u16(hello.wanted_level);
    put(out, hello.taken_over);
    out.u8(hello.self.draining ? 1 : 0);
    out.u64(hello.may_have_joined.value());
}

Hello get_hello(ByteReader& in, std::uint8_t minor, bool& sound) {
    Hello hello;
    hello.configuration = get_configuration(in);
    hello.attempt = in.u32();
    hello.self = get_member(in, sound);
    hello.cluster_name = get_text(in, kMaxText, sound);
    hello.key_fingerprint = get_text(in, kMaxText, sound);
    hello.floor = Epoch(in.u64());
    hello.disk_floor = Epoch(in.u64());
    hello.lineage = get_lineage(in, sound);
    hello.joined = Epoch(in.u64());
    const auto quorate = in.u8();
    hello.quorate = quorate == 1;
    hello.expected_votes = in.u32();
    hello.quorum = in.u32();
    hello.disk_votes = in.u32();
    hello.wanted_level = in.u16();
    hello.taken_over = get_member_ids(in, kMaxLost + kMaxMembers, sound);
    const auto draining = minor >= 1 ? in.u8() : std::uint8_t{0};
    hello.self.draining = draining == 1;
    hello.may_have_joined = Epoch(minor >= 2 ? in.u64() : 0);
    const bool one_past = hello.joined == Epoch(0) || hello.may_have_joined == Epoch(0);
    sound = sound && quorate <= 1 && draining <= 1 && one_past;
    return hello;
}

void put(ByteWriter& out, const Vouch& vouch) {
    put(out, vouch.configuration);
    out.u64(vouch.epoch.value());
    out.u64(vouch.proposal);
}

Vouch get_vouch(ByteReader& in) {
    Vouch vouch;
    vouch.configuration = get_configuration(in);
    vouch.epoch = Epoch(in.u64());
    vouch.proposal = in.u64();
    return vouch;
}

void put(ByteWriter& out, const Silent& silent) {
    put(out, silent.configuration);
    out.u32(silent.member.node.value());
    out.u32(silent.member.process);
    out.u32(silent.attempt);
}

Silent get_silent(ByteReader& in) {
    Silent silent;
    silent.configuration = get_configuration(in);
    silent.member.node = NodeId(in.u32());
    silent.member.process = in.u32();
    silent.attempt = in.u32();
    return silent;
}

void put(ByteWriter& out, const Fencing& fencing) {
    out.u64(fencing.epoch.value());
    put(out, fencing.lost);
    out.u8(static_cast<std::uint8_t>(fencing.waiting.size()));
    for (const auto& name : fencing.waiting) {
        put_text(out, name);
    }
}

Fencing get_fencing(ByteReader& in, bool& sound) {
    Fencing fencing;
    fencing.epoch = Epoch(in.u64());
    fencing.lost = get_member_id(in);
    const std::size_t count = in.u8();
    sound = sound && count <= kMaxFencers;
    for (std::size_t i = 0; i < count && sound && !in.failed(); ++i) {
        fencing.waiting.emplace_back(get_text(in, kMaxText, sound));
    }
    return fencing;
}

Kind kind_of(const GroupMessage& message) { return static_cast<Kind>(message.index() + 1); }

std::optional<GroupMessage> get(Kind kind, ByteReader& in, std::uint8_t minor, bool& sound) {
    switch (kind) {
        case Kind::kHello:
            return get_hello(in, minor, sound);
        case Kind::kVouch:
            return get_vouch(in);
        case Kind::kSilent:
            return get_silent(in);
        case Kind::kFencing:
            return get_fencing(in, sound);
    }
    return std::nullopt;
}

}  // namespace

Configuration configuration_of(RingId ring, const std::vector<GroupMember>& members) {
    std::string list;
    ByteWriter out(list);
    for (const auto& member : members) {
        out.u32(member.node.value());
        out.u32(member.process);
    }
    return {ring, fnv1a(list)};
}

std::string encode(const GroupMessage& message) {
    std::string bytes;
    ByteWriter out(bytes);
    out.u32(kMagic);
    out.u8(kMajor);
    out.u8(kMinor);
    out.u8(static_cast<std::uint8_t>(kind_of(message)));
    out.u8(0);
    std::visit([&](const auto& body) { put(out, body); }, message);
    out.u32(crc32c(bytes));
    return bytes;
}

Result<GroupMessage> decode_group_message(std::string_view bytes) {
    if (bytes.size() > kMaxGroupMessage) {
        return fail(errc::too_large, "group message");
    }
    if (bytes.size() < 12) {
        return fail(errc::damaged, "group message: short");
    }
    ByteReader end(bytes.substr(bytes.size() - 4));
    const auto covered = bytes.substr(0, bytes.size() - 4);
    ByteReader in(covered);
    if (in.u32() != kMagic) {
        return fail(errc::damaged, "group message: not one");
    }
    if (in.u8() != kMajor) {
        return fail(errc::unsupported_version, "group message");
    }
    const auto minor = in.u8();
    const auto kind = static_cast<Kind>(in.u8());
    const auto reserved = in.u8();
    if (end.u32() != crc32c(covered) || reserved != 0) {
        return fail(errc::damaged, "group message: checksum");
    }
    bool sound = true;
    auto message = get(kind, in, minor, sound);
    const bool surplus_allowed = minor > kMinor;
    if (!message || !sound || in.failed() || (!in.at_end() && !surplus_allowed)) {
        return fail(errc::damaged, "group message: fields");
    }
    return std::move(*message);
}

}  // namespace quorate::cluster
