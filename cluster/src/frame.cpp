#include "frame.hpp"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "cluster/errc.hpp"
#include "codec.hpp"

namespace quorate::cluster {
namespace {

constexpr std::uint16_t kMagic = 0x4651;  // "QF"
constexpr std::uint8_t kVersion = 1;

}  // namespace

std::optional<std::size_t> payload_limit(FrameType type) {
    switch (type) {
        case FrameType::kHello:
            return kMaxHello;
        case FrameType::kMessage:
            return kMaxMessage;
        case FrameType::kAck:
        case FrameType::kHeartbeatAck:
            return 0;
        case FrameType::kHeartbeat:
            return 4;
        case FrameType::kRefusal:
            return kMaxText;
    }
    return std::nullopt;
}

void append_frame(std::string& out, FrameType type, Epoch epoch, std::uint64_t sequence,
                  std::string_view payload, Channel channel) {
    ByteWriter writer(out);
    writer.u16(kMagic);
    writer.u8(kVersion);
    writer.u8(static_cast<std::uint8_t>(type));
    writer.u32(static_cast<std::uint32_t>(payload.size()));
    writer.u64(epoch.value());
    writer.u64(sequence);
    writer.u16(channel.value());
    writer.u16(0);
    writer.raw(payload);
}

// ---- the stream

Status FrameReader::read_head(std::string_view head) {
    ByteReader in(head);
    const auto magic = in.u16();
    const auto version = in.u8();
    Frame frame;
    frame.type = static_cast<FrameType>(in.u8());
    const std::size_t length = in.u32();
    frame.epoch = Epoch(in.u64());
    frame.sequence = in.u64();
    frame.channel = Channel(in.u16());
    const auto reserved = in.u16();
    if (magic != kMagic) {
        return fail(errc::damaged, "not a frame of the interconnect");
    }
    if (version != kVersion) {
        return fail(errc::unsupported_version,
                    fmt::format("interconnect version {}, known is {}", version, kVersion));
    }
    const auto limit = payload_limit(frame.type);
    if (!limit || reserved != 0) {
        return fail(errc::damaged, fmt::format("frame of type {}, reserved {}",
                                               static_cast<unsigned>(frame.type), reserved));
    }
    if (const auto allowed = std::min(*limit, limit_); length > allowed) {
        return fail(errc::too_large,
                    fmt::format("frame of {} octets, {} allowed", length, allowed));
    }
    missing_ = length;
    frame.payload.reserve(length);
    frame_ = std::move(frame);
    return {};
}

Result<std::optional<Frame>> FrameReader::next(std::string_view& bytes) {
    if (!frame_) {
        if (head_.empty() && bytes.size() >= kFrameHeader) {
            QUORATE_CHECK(read_head(bytes.substr(0, kFrameHeader)));
            bytes.remove_prefix(kFrameHeader);
        } else {
            const auto more = std::min(bytes.size(), kFrameHeader - head_.size());
            head_.append(bytes.substr(0, more));
            bytes.remove_prefix(more);
            if (head_.size() < kFrameHeader) {
                return std::nullopt;
            }
            QUORATE_CHECK(read_head(std::exchange(head_, {})));
        }
    }
    const auto more = std::min(bytes.size(), missing_);
    frame_->payload.append(bytes.substr(0, more));
    bytes.remove_prefix(more);
    missing_ -= more;
    if (missing_ > 0) {
        return std::nullopt;
    }
    return std::exchange(frame_, std::nullopt);
}

// ---- frames with fields of their own

std::string encode(const CircuitHello& hello) {
    std::string payload;
    ByteWriter out(payload);
    put(out, hello.from);
    put(out, hello.to);
    out.u16(static_cast<std::uint16_t>(hello.ring));
    out.u16(hello.levels.lowest);
    out.u16(hello.levels.highest);
    put_text(out, hello.cluster_name);
    std::string frame;
    append_frame(frame, FrameType::kHello, hello.since, hello.next, payload);
    return frame;
}

Result<CircuitHello> decode_hello(const Frame& frame) {
    ByteReader in(frame.payload);
    bool sound = frame.type == FrameType::kHello && frame.channel == Channel(0);
    CircuitHello hello;
    hello.since = frame.epoch;
    hello.next = frame.sequence;
    hello.from = get_member_id(in);
    hello.to = get_member_id(in);
    hello.ring = in.u16();
    hello.levels.lowest = in.u16();
    hello.levels.highest = in.u16();
    hello.cluster_name = get_text(in, kMaxText, sound);
    if (!sound || !in.complete() || hello.next == 0) {
        return fail(errc::damaged, "interconnect hello");
    }
    return hello;
}

void append_heartbeat(std::string& out, const Heartbeat& heartbeat) {
    std::string payload;
    ByteWriter writer(payload);
    writer.u32(static_cast<std::uint32_t>(heartbeat.lease.count()));
    append_frame(out, FrameType::kHeartbeat, heartbeat.epoch, as_word(heartbeat.sent), payload);
}

Result<Heartbeat> decode_heartbeat(const Frame& frame) {
    ByteReader in(frame.payload);
    const Heartbeat heartbeat{frame.epoch, as_time(frame.sequence),
                              std::chrono::milliseconds(in.u32())};
    if (!in.complete() || frame.type != FrameType::kHeartbeat || frame.channel != Channel(0)) {
        return fail(errc::damaged, "heartbeat");
    }
    return heartbeat;
}

}  // namespace quorate::cluster
