#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cluster/machine.hpp"
#include "cluster/view.hpp"

// The circuit to one life of another member, over all rings: what is sent arrives once and in
// order, whichever rings break on the way, until the view changes.
//
//   * Messages are numbered from 1 and kept until they are acknowledged. They go over one ring;
//   when
//     it breaks or falls silent, everything unacknowledged is sent again over another. So what one
//     connection carries never has a gap, and what was seen is dropped by number.
//   * A message counts in the epoch of its sending. The receiver refuses one of an older epoch
//     (drops and acknowledges it), and holds one of a newer until it has that view itself. Only
//     what was handed on is acknowledged, so what is held is bounded by the sender's window.
//   * When an end takes up a view it drops what was queued for an older one and never left.
//   * The circuit begins with the view that brought the peer in. The ends may differ in which that
//     was, if one of them had lost the other in between: the later one counts, and the end that
//     knew the earlier starts afresh (all it had sent is of older epochs).
namespace quorate::cluster {

class FrameReader;
struct CircuitHello;

struct CircuitOptions {
    MemberId self;
    MemberId peer;
    std::string cluster_name;
    LevelRange levels;
    std::uint32_t rings = 1;
    Epoch since;  // the view that brought the peer in
    std::chrono::milliseconds heartbeat{200};
};

// Sent and unacknowledged at most; and so held at the receiver at most.
inline constexpr std::size_t kWindowBytes = 4 << 20;
inline constexpr std::size_t kWindowMessages = 4096;
// Waiting to be sent or acknowledged at most; from the first pair of limits on back-pressure is on,
// below the second it goes off again.
inline constexpr std::size_t kQueueBytes = 16 << 20;
inline constexpr std::size_t kQueueMessages = 32768;
inline constexpr std::size_t kBlockBytes = 6 << 20;
inline constexpr std::size_t kBlockMessages = 8192;
inline constexpr std::size_t kUnblockBytes = 2 << 20;
inline constexpr std::size_t kUnblockMessages = 2048;

struct RingWrite {
    std::uint32_t ring = 0;
    std::vector<Piece> pieces;
};
struct RingClose {
    std::uint32_t ring = 0;
    std::string reason;
    std::string parting;
};
struct RingUp {
    std::uint32_t ring = 0;
};
// It was up. After RingClose of this ring, or when the connection was closed from outside.
struct RingDown {
    std::uint32_t ring = 0;
    std::string reason;
};
struct Message {
    Channel channel;
    Epoch epoch;
    std::string payload;
};
struct Pressure {
    bool on = false;
};
struct HeartbeatHeard {
    std::uint32_t ring = 0;
    Epoch epoch;
    BootTime sent;  // by the peer's clock
    std::chrono::milliseconds lease{0};
};
struct HeartbeatAcknowledged {
    BootTime sent;  // by this node's clock
};
// Both ends start from 1 again; what was sent is void.
struct CircuitReset {
    Epoch since;
};
using CircuitOutput = std::variant<RingWrite, RingClose, RingUp, RingDown, Message, Pressure,
                                   HeartbeatHeard, HeartbeatAcknowledged, CircuitReset>;

// Every call appends to what take() gives out next. Thread rule and `now`: as Machine.
class Circuit {
public:
    explicit Circuit(CircuitOptions options);
    ~Circuit();
    Circuit(Circuit&&) noexcept;
    Circuit& operator=(Circuit&&) noexcept;

    // This end made the connection: it speaks first, and waits for the other's hello.
    void dialled(BootTime now, std::uint32_t ring);
    // The other end made it, and said this hello; nothing may follow that before the answer. Of
    // both calls: an earlier connection of the ring was closed before.
    void accepted(BootTime now, const CircuitHello& hello);
    void received(BootTime now, std::uint32_t ring, std::string_view bytes);
    void written(BootTime now, std::uint32_t ring);
    void closed(BootTime now, std::uint32_t ring, std::string reason);

    // Errors: errc::too_large; errc::refused: the queue is full.
    Status send(BootTime now, Channel channel, std::string_view payload);
    // The view of this node; messages are sent and expected under its epoch.
    void adopt(BootTime now, Epoch epoch);
    // On every ring that is up.
    void heartbeat(BootTime now, std::chrono::milliseconds lease);
    void acknowledge(BootTime now, const HeartbeatHeard& heartbeat);
    void tick(BootTime now);
    std::optional<BootTime> deadline() const;

    // Exchanged: the room of what was taken before is used again.
    void take(std::vector<CircuitOutput>& taken);
    // Peer, counters and rings; the names and addresses are the caller's.
    CircuitStatus status() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace quorate::cluster
