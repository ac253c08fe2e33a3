#include <utility>

#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "lockmgr/errc.hpp"
#include "message.hpp"

// What goes between two nodes' lock managers in one piece: the beginning of an epoch, or messages.
namespace quorate::lockmgr {
namespace {

constexpr std::uint32_t kPacketMagic = 0x4b434c51;  // "QLCK"
constexpr std::uint8_t kPacketMajor = 3;
constexpr std::uint8_t kPacketMinor = 0;

tl::unexpected<Error> broken(std::string what) { return fail(errc::damaged, std::move(what)); }

Result<Begin> get_begin(ByteReader& in) {
    Begin begin;
    begin.previous = cluster::Epoch(in.u64());
    begin.received = in.u64();
    begin.time = static_cast<std::int64_t>(in.u64());
    return begin;
}

Result<Batch> get_batch(ByteReader& in) {
    Batch batch;
    batch.first = in.u64();
    batch.received = in.u64();
    const std::size_t count = in.u16();
    for (std::size_t i = 0; i < count && !in.failed(); ++i) {
        Batch::Item item;
        item.issued_before = in.varint();
        item.body = in.blob();
        batch.items.push_back(item);
    }
    if (batch.first == 0) {
        return broken("messages are numbered from 1");
    }
    return batch;
}

}  // namespace

std::string encode(const Packet& packet) {
    std::string bytes;
    ByteWriter out(bytes);
    out.u32(kPacketMagic);
    out.u8(kPacketMajor);
    out.u8(kPacketMinor);
    out.u8(static_cast<std::uint8_t>(packet.content.index()));
    out.u8(0);
    out.u64(packet.epoch.value());
    if (const auto* begin = std::get_if<Begin>(&packet.content)) {
        out.u64(begin->previous.value());
        out.u64(begin->received);
        out.u64(static_cast<std::uint64_t>(begin->time));
    } else {
        const auto& batch = std::get<Batch>(packet.content);
        out.u64(batch.first);
        out.u64(batch.received);
        out.u16(static_cast<std::uint16_t>(batch.items.size()));
        for (const auto& item : batch.items) {
            out.varint(item.issued_before);
            out.blob(item.body);
        }
    }
    out.u32(crc32c(bytes));
    return bytes;
}

Result<Packet> decode_packet(std::string_view bytes) {
    if (bytes.size() > 2 * kMaxPacket) {
        return fail(errc::too_large, "a packet of the lock manager");
    }
    if (bytes.size() < 20) {
        return broken("a packet of the lock manager is cut short");
    }
    const auto content = bytes.substr(0, bytes.size() - 4);
    if (ByteReader(bytes.substr(content.size())).u32() != crc32c(content)) {
        return broken("a packet's checksum is wrong");
    }
    ByteReader in(content);
    if (in.u32() != kPacketMagic) {
        return broken("not a packet of the lock manager");
    }
    const auto major = in.u8();
    const auto minor = in.u8();
    if (major != kPacketMajor) {
        return fail(errc::unsupported_version, "a packet of the lock manager");
    }
    const auto kind = in.u8();
    const auto reserved = in.u8();
    Packet packet;
    packet.epoch = cluster::Epoch(in.u64());
    if (kind == 0) {
        QUORATE_TRY(packet.content, get_begin(in));
    } else if (kind == 1) {
        QUORATE_TRY(packet.content, get_batch(in));
    } else {
        return broken("a packet of unknown kind");
    }
    if (reserved != 0 || in.failed() || (minor <= kPacketMinor && !in.at_end())) {
        return broken("a packet contradicts its format");
    }
    return packet;
}

}  // namespace quorate::lockmgr
