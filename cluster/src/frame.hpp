#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "cluster/machine.hpp"
#include "cluster/view.hpp"

// Frames of the interconnect (docs/formats/interconnect.md).
namespace quorate::cluster {

enum class FrameType : std::uint8_t {
    kHello = 1,
    kMessage = 2,
    kAck = 3,
    kHeartbeat = 4,
    kHeartbeatAck = 5,
    kRefusal = 6,
};

struct Frame {
    FrameType type{};
    Channel channel;
    Epoch epoch;
    std::uint64_t sequence = 0;  // what it counts depends on the type
    std::string payload;
    bool operator==(const Frame&) const = default;
};

inline constexpr std::size_t kFrameHeader = 28;
inline constexpr std::size_t kMaxHello = 512;

// The longest payload that a frame of this type may have; nothing: no such type.
std::optional<std::size_t> payload_limit(FrameType type);

void append_frame(std::string& out, FrameType type, Epoch epoch, std::uint64_t sequence,
                  std::string_view payload = {}, Channel channel = Channel(0));

// Takes a stream apart, whatever its pieces. A frame's length is checked before memory is taken for
// it. Errors are final: errc::damaged, errc::unsupported_version, errc::too_large.
class FrameReader {
public:
    // `limit`: of any payload, whatever its type allows.
    explicit FrameReader(std::size_t limit = kMaxMessage) : limit_(limit) {}

    // The next frame, once `bytes` has its end; nothing when all of `bytes` is taken in.
    Result<std::optional<Frame>> next(std::string_view& bytes);
    // Nothing of an unfinished frame was taken in.
    bool at_boundary() const { return head_.empty() && !frame_; }

private:
    Status read_head(std::string_view head);

    std::size_t limit_;
    std::string head_;  // of the header, while it is incomplete
    std::optional<Frame> frame_;
    std::size_t missing_ = 0;  // of its payload
};

// What a frame of type kHello says, its epoch and sequence included.
struct CircuitHello {
    MemberId from;
    MemberId to;
    std::string cluster_name;
    std::uint32_t ring = 0;
    LevelRange levels;
    Epoch since;             // epoch that the circuit began with
    std::uint64_t next = 1;  // sequence that the sender expects next
    bool operator==(const CircuitHello&) const = default;
};
std::string encode(const CircuitHello& hello);
// Errors: errc::damaged.
Result<CircuitHello> decode_hello(const Frame& frame);

// `now` of the sender, and how long the lease is that it asks for.
struct Heartbeat {
    Epoch epoch;
    BootTime sent;
    std::chrono::milliseconds lease{0};
    bool operator==(const Heartbeat&) const = default;
};
void append_heartbeat(std::string& out, const Heartbeat& heartbeat);
// Errors: errc::damaged.
Result<Heartbeat> decode_heartbeat(const Frame& frame);

inline std::uint64_t as_word(BootTime time) {
    return static_cast<std::uint64_t>(time.time_since_epoch().count());
}
inline BootTime as_time(std::uint64_t word) {
    return BootTime(BootTime::duration(static_cast<BootTime::rep>(word)));
}

}  // namespace quorate::cluster
