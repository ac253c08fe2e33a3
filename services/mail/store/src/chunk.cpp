#include "chunk.hpp"

#include <limits>

#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "mail/store/errc.hpp"

namespace quorate::mail::store {
namespace {

constexpr std::uint8_t kVersion = 1;

// Differences to the message before, which are small: zigzag varint of the wrapped difference.
std::uint64_t difference(std::uint64_t now, std::uint64_t before) {
    const auto value = static_cast<std::int64_t>(now - before);
    return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

std::uint64_t apply_difference(std::uint64_t before, std::uint64_t coded) {
    return before + ((coded >> 1) ^ (~(coded & 1) + 1));
}

std::uint64_t bits(std::int64_t value) { return static_cast<std::uint64_t>(value); }

}  // namespace

std::string encode_chunk(const std::vector<Message>& messages) {
    std::string out;
    out.reserve(16 + messages.size() * 24);
    ByteWriter writer(out);
    writer.u8(kVersion);
    writer.varint(messages.size());
    Message before;
    for (const auto& message : messages) {
        writer.varint(message.uid - before.uid);
        writer.varint(message.flags);
        writer.varint(difference(message.modseq, before.modseq));
        writer.varint(difference(message.body.value(), before.body.value()));
        writer.varint(message.size);
        writer.varint(
            difference(bits(message.internal_date.seconds), bits(before.internal_date.seconds)));
        writer.u16(static_cast<std::uint16_t>(message.internal_date.zone_minutes));
        writer.varint(difference(bits(message.save_date), bits(before.save_date)));
        before = message;
    }
    writer.u32(crc32c(out));
    return out;
}

Status decode_chunk(std::string_view bytes, std::vector<Message>& messages) {
    if (bytes.size() < 6) {
        return fail(errc::damaged, "message block is short");
    }
    if (bytes[0] != static_cast<char>(kVersion)) {
        return fail(errc::unsupported_version, "message block version");
    }
    ByteReader trailer(bytes.substr(bytes.size() - 4));
    bytes.remove_suffix(4);
    if (trailer.u32() != crc32c(bytes)) {
        return fail(errc::damaged, "message block: wrong checksum");
    }
    ByteReader reader(bytes.substr(1));
    const auto count = reader.varint();
    Message message;
    for (std::uint64_t i = 0; i < count && !reader.failed(); ++i) {
        const auto gap = reader.varint();
        if (gap == 0 || gap > std::numeric_limits<Uid>::max() - message.uid) {
            return fail(errc::damaged, "message block: uids do not ascend");
        }
        message.uid += static_cast<Uid>(gap);
        message.flags = reader.varint();
        message.modseq = apply_difference(message.modseq, reader.varint());
        message.body = BodyId(apply_difference(message.body.value(), reader.varint()));
        message.size = static_cast<std::uint32_t>(reader.varint());
        message.internal_date.seconds = static_cast<std::int64_t>(
            apply_difference(bits(message.internal_date.seconds), reader.varint()));
        message.internal_date.zone_minutes = static_cast<std::int16_t>(reader.u16());
        message.save_date =
            static_cast<std::int64_t>(apply_difference(bits(message.save_date), reader.varint()));
        messages.push_back(message);
    }
    if (!reader.complete()) {
        return fail(errc::damaged, "message block: wrong length");
    }
    return {};
}

}  // namespace quorate::mail::store
