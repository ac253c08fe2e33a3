#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "cluster/lease_page.hpp"
#include "cluster/membership.hpp"
#include "cluster/view.hpp"

// One clusterd without its shell: membership, heartbeats and lease, circuits to the other members,
// takeover. The shell feeds it what Corosync, the connections, the disk and the clients say, and
// carries out what it answers, in the order given.
//
// Connections: one per pair of members and ring, dialled by the member with the lower node id
// (docs/formats/interconnect.md, after the preface of docs/protocols/peer.md). The shell numbers
// them; a number is never used again. At most one Write per connection is under way: the next comes
// after Written. After Close, and after Closed, the machine knows the connection no more.
namespace quorate::cluster {

using ConnectionId = Strong<struct ConnectionIdTag, std::uint64_t>;
// Whom a message is for, at the other end: lock manager, a service, ...
using Channel = Strong<struct ChannelTag, std::uint16_t>;

inline constexpr std::size_t kMaxMessage = 1 << 20;

struct MachineOptions {
    MembershipOptions membership;  // self.addresses: this node's, one per ring
    std::chrono::milliseconds heartbeat{200};
    // Kept within [4 * heartbeat, kLeaseMax]. Members may differ in it.
    std::chrono::milliseconds lease{1500};
};
inline constexpr std::chrono::milliseconds kLeaseMax{5000};

// ---- inputs, besides those of the membership (cluster/membership.hpp; TakenOver is the machine's
// own affair). FloorLoaded is the first of all; no earlier clusterd of this node runs any more
// then.

// A connection with purpose kCircuit was accepted.
struct Accepted {
    ConnectionId connection;
};
// What Dial asked for.
struct Dialled {
    MemberId peer;
    std::uint32_t ring = 0;
    ConnectionId connection;
};
struct DialFailed {
    MemberId peer;
    std::uint32_t ring = 0;
    std::string reason;
};
struct Received {
    ConnectionId connection;
    std::string_view bytes;  // read during the step only; any piece of the stream
};
struct Written {
    ConnectionId connection;
};
struct Closed {
    ConnectionId connection;
    std::string reason;
};

// Fencers of this node, by name. One that is added while a lost life waits must confirm for it too;
// one that is lost without having confirmed goes on being waited for until it is removed.
struct AddFencer {
    std::string name;
};
struct RemoveFencer {
    std::string name;
};
// `lost` can do no harm where this fencer stands. Final.
struct FencerConfirmed {
    std::string name;
    MemberId lost;
};

using MachineInput =
    std::variant<FloorLoaded, FloorWritten, GroupChanged, GroupDelivered, GroupLost, QuorumChanged,
                 QuorumDisk, RaiseLevel, SetDraining, Accepted, Dialled, DialFailed, Received,
                 Written, Closed, AddFencer, RemoveFencer, FencerConfirmed, Tick>;

// ---- outputs, besides those of the membership

// Connect to the peer's ring: Dialled or DialFailed follows. At most one per peer and ring.
struct Dial {
    MemberId peer;
    std::uint32_t ring = 0;
    std::string address;
};
// A stretch of the stream. Large frames have two owners: the circuit, until they are acknowledged,
// and the shell, until they are written.
struct Piece {
    std::string bytes;
    std::shared_ptr<const std::string> frame;
    std::string_view view() const { return frame ? *frame : bytes; }
};
// Write all pieces, in order, then say Written.
struct Write {
    ConnectionId connection;
    std::vector<Piece> pieces;
};
// `parting` is what the peer is told: write it if that goes at once, then close.
struct Close {
    ConnectionId connection;
    std::string reason;
    std::string parting;
};
// A message of a member, of the current epoch. In order, once; a member's messages of one epoch
// come completely until the view changes.
struct Deliver {
    MemberId from;
    Channel channel;
    Epoch epoch;
    std::string payload;
};
// Much waits for this member: send no more until `on` is false again, or it is no member any more.
struct BackPressure {
    MemberId to;
    bool on = false;
};
// A ring of a circuit came up or went down.
struct RingChanged {
    MemberId peer;
    std::uint32_t ring = 0;
    bool up = false;
    std::string reason;
};
// Write the page before anything that follows.
struct PublishLease {
    LeasePage page;
};
// Make sure that `lost` can do no harm, then FencerConfirmed. Said again in a new epoch.
struct Fence {
    std::string name;
    MemberId lost;
    Epoch epoch;
};

using MachineOutput =
    std::variant<Multicast, WriteFloor, ReadDisk, ViewCommitted, QuorumLost, TakeoverAllowed,
                 Expelled, Refusal, LevelRefused, Note, Dial, Write, Close, Deliver, BackPressure,
                 RingChanged, PublishLease, Fence>;
using MachineOutputs = std::vector<MachineOutput>;

// ---- what the operator sees

struct RingStatus {
    std::uint32_t ring = 0;
    std::string address;
    bool up = false;
    bool carries = false;  // the messages go this way
    std::optional<std::chrono::microseconds> round_trip;
    std::string problem;  // why it is not up
};
struct CircuitStatus {
    MemberId peer;
    std::string name;
    bool open = false;  // some ring is up
    std::vector<RingStatus> rings;
    std::uint64_t sent_messages = 0;
    std::uint64_t sent_bytes = 0;
    std::uint64_t received_messages = 0;
    std::uint64_t received_bytes = 0;
    std::uint64_t resent_messages = 0;
    std::uint64_t refused_messages = 0;  // of an older epoch
    std::uint64_t queued_messages = 0;   // not yet acknowledged
    std::uint64_t queued_bytes = 0;
    bool blocked = false;  // BackPressure is on
};
struct LeaseStatus {
    LeaseState state = LeaseState::kStalled;
    std::string reason;
    std::optional<std::chrono::microseconds> remaining;  // nothing: for ever, or does not run
    std::chrono::milliseconds length{0};
};
struct TakeoverStatus {
    MemberId lost;
    std::string name;
    std::string waiting_for;  // "lease of n3 ends in 0.4 s, fencer rados of n1"
};
struct MachineStatus {
    MemberId self;
    std::optional<View> view;
    bool quorate = false;
    bool expelled = false;
    std::vector<NodeId> forming;  // members that the round under way waits for
    std::uint32_t expected_votes = 0;
    LeaseStatus lease;
    std::vector<CircuitStatus> circuits;
    std::vector<TakeoverStatus> takeovers;
    std::optional<BootTime> last_transition;
    std::uint64_t transitions = 0;
};

// Thread rule: one caller at a time. `now` is CLOCK_BOOTTIME, read after the input was in hand and
// never going back. Limits: those of membership and circuit (cluster/circuit.hpp).
class Machine {
public:
    explicit Machine(MachineOptions options);
    ~Machine();
    Machine(Machine&&) noexcept;
    Machine& operator=(Machine&&) noexcept;

    MachineOutputs step(BootTime now, const MachineInput& input);
    // A message to another member, at most kMaxMessage octets. Errors: errc::too_large;
    // errc::refused: no member of the current view, or its queue is full (BackPressure is on).
    Result<MachineOutputs> send(BootTime now, MemberId to, Channel channel,
                                std::string_view payload);
    // When to step with Tick next.
    std::optional<BootTime> deadline() const;

    // clusterd ends on purpose: the lease ends now.
    MachineOutputs stop(BootTime now);

    const View* view() const;
    bool quorate() const;
    bool expelled() const;
    MachineStatus status(BootTime now) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace quorate::cluster
