#include "message.hpp"

#include "codec.hpp"
#include "quorum/errc.hpp"
#include "quorum/voter.hpp"

namespace quorate::quorum {
namespace {

constexpr std::uint32_t kMagic = 0x52545651;  // "QVTR"
constexpr std::uint8_t kMajor = 1;
constexpr std::uint8_t kMinor = 2;  // 1: with what adverts claim; 2: with boots

void put_list(ByteWriter& out, const std::vector<Advert::Written>& list) {
    out.u8(static_cast<std::uint8_t>(list.size()));
    for (const auto& written : list) {
        put(out, written.disk);
        out.u64(written.sequence);
    }
}
void put_fields(ByteWriter& out, const Advert& advert) {
    put_list(out, advert.written);
    put_list(out, advert.claimed);
    put(out, advert.ring);
    put(out, advert.boot);
}
void put_fields(ByteWriter& out, const AskLease& ask) { out.u64(ask.nonce); }
void put_fields(ByteWriter& out, const GrantLease& grant) {
    out.u64(grant.nonce);
    out.u64(grant.epoch.value());
    put(out, grant.award);
    out.u64(grant.remaining_us);
}
void put_fields(ByteWriter& out, const Recall& recall) { out.u64(recall.epoch.value()); }
void put_fields(ByteWriter& out, const GivenBack& back) { out.u64(back.nonce); }
void put_fields(ByteWriter& out, const AskWord& ask) {
    out.u64(ask.nonce);
    put(out, ask.ring);
}
void put_fields(ByteWriter& out, const GiveWord& word) {
    out.u64(word.nonce);
    put(out, word.ring);
    out.u64(word.age_us);
    out.u8(static_cast<std::uint8_t>(word.sightings.size()));
    for (const auto& one : word.sightings) {
        out.u32(one.node.value());
        put(out, one.ring);
        put(out, one.boot);
    }
}

std::vector<Advert::Written> get_written(ByteReader& in, bool& sound) {
    std::vector<Advert::Written> list;
    const auto count = in.u8();
    sound = sound && count <= kMaxDisks;
    for (std::size_t left = sound ? count : 0; left > 0; --left) {
        Advert::Written written;
        written.disk = get_uuid(in);
        written.sequence = in.u64();
        list.push_back(written);
    }
    return list;
}

Advert get_advert(ByteReader& in, std::uint8_t minor, bool& sound) {
    Advert advert;
    advert.written = get_written(in, sound);
    if (minor >= 1) {
        advert.claimed = get_written(in, sound);
    }
    if (minor >= 2) {
        advert.ring = get_ring(in);
        advert.boot = get_uuid(in);
    }
    return advert;
}

GrantLease get_grant(ByteReader& in) {
    GrantLease grant;
    grant.nonce = in.u64();
    grant.epoch = Epoch(in.u64());
    grant.award = get_award(in);
    grant.remaining_us = in.u64();
    return grant;
}

AskWord get_ask_word(ByteReader& in) {
    AskWord ask;
    ask.nonce = in.u64();
    ask.ring = get_ring(in);
    return ask;
}

GiveWord get_word(ByteReader& in, std::uint8_t minor, bool& sound) {
    GiveWord word;
    word.nonce = in.u64();
    word.ring = get_ring(in);
    word.age_us = in.u64();
    const std::uint32_t count = minor >= 2 ? in.u8() : 0U;
    sound = sound && count <= kMaxNodes;
    for (std::size_t left = sound ? count : 0; left > 0; --left) {
        Sighting one;
        one.node = NodeId(in.u32());
        one.ring = get_ring(in);
        one.boot = get_uuid(in);
        sound = sound && has_place(one.node);
        word.sightings.push_back(one);
    }
    return word;
}

}  // namespace

std::string encode(const PeerMessage& message) {
    std::string bytes;
    ByteWriter out(bytes);
    out.u32(kMagic);
    out.u8(kMajor);
    out.u8(kMinor);
    out.u8(static_cast<std::uint8_t>(message.index()));
    std::visit([&](const auto& one) { put_fields(out, one); }, message);
    return bytes;
}

Result<PeerMessage> decode_message(std::string_view bytes) {
    ByteReader in(bytes);
    if (in.u32() != kMagic) {
        return fail(errc::damaged, "voter's message: not one");
    }
    if (in.u8() != kMajor) {
        return fail(errc::unsupported_version, "voter's message");
    }
    const auto minor = in.u8();
    bool sound = true;
    PeerMessage message;
    switch (in.u8()) {
        case 0:
            message = get_advert(in, minor, sound);
            break;
        case 1:
            message = AskLease{in.u64()};
            break;
        case 2:
            message = get_grant(in);
            break;
        case 3:
            message = Recall{Epoch(in.u64())};
            break;
        case 4:
            message = GivenBack{in.u64()};
            break;
        case 5:
            message = get_ask_word(in);
            break;
        case 6:
            message = get_word(in, minor, sound);
            break;
        default:
            sound = false;
    }
    if (!sound || in.failed() || (!in.at_end() && minor <= kMinor)) {
        return fail(errc::damaged, "voter's message: fields");
    }
    return message;
}

}  // namespace quorate::quorum
