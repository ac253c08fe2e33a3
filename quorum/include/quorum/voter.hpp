#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "quorum/heartbeat.hpp"
#include "quorum/timing.hpp"
#include "quorum/types.hpp"
#include "quorum/witness.hpp"

// The machine of one node's voter. At most one partition of the cluster ever has the disk's votes,
// whatever freezes, delays, tears or is lost.
//
// Each award of the votes is an *epoch*, for one ring and its members, decided by Disk Paxos. A
// node may cast the votes in an epoch while
//   C1  the epoch is decided, for the node's own ring;
//   C2  it wrote on its page that it holds the epoch, and then saw no later one begun;
//   C3  every node outside the award is closed: it released what it held, or was fenced, or its
//       page did not change for Timing::silence;
//   C4  its lease runs: counted from the submission of its newest heartbeat that came back when
//       read; a lease that ended is never renewed;
//   C5  its page still is its own, and nobody asks for its end;
//   C6  votequorum is in the ring that the epoch is for.
// Why this suffices: docs/decisions/quorum-disk-proof.md.
namespace quorate::quorum {

struct VoterOptions {
    NodeId self;
    Incarnation incarnation;  // drawn at this start
    Uuid boot;
    Uuid cluster;
    Timing timing;  // of the disk's header
    // How far ahead the lease is published (Publish). A release waits for what was published to be
    // over. 0: nobody listens.
    std::chrono::milliseconds publish{0};
    // A voter of this boot has said on its page that the watchdog binds it (Binds), and did not
    // take it back in order.
    bool bound = false;
    // What Remember said last, in whichever boot; empty: nothing has been. Or it cannot be read.
    std::string remembered;
    bool forgot = false;
    // Whoever is evicted by a request has its machine reset, by the shell.
    bool resets = true;
};

// The shell's number for a disk that it has opened, below kMaxDisks.
using DiskNumber = Strong<struct DiskNumberTag, std::uint8_t>;
inline constexpr std::uint8_t kMaxDisks = 8;
using IoId = Strong<struct IoIdTag, std::uint64_t>;

// ---- inputs

struct NodeVotes {
    NodeId node;
    std::uint32_t votes = 1;
};
// What corosync.conf says; first of all, and whenever it changes.
struct Configured {
    std::vector<NodeVotes> nodes;
    std::uint32_t disk_votes = 1;
    std::optional<NodeId> tie_breaker;
};
struct DiskUsed {
    DiskNumber number;
    Uuid uuid;
};
// 1 or 3 disks. While disks are replaced `next` has what will be used: then a majority of both
// counts. `step` grows with every change; all nodes take the same steps, each only when all took
// the one before (VoterStatus::steps).
struct UseDisks {
    std::vector<DiskUsed> current;
    std::vector<DiskUsed> next;
    std::uint32_t step = 0;
};
// votequorum's node list notification.
struct RingChanged {
    RingId ring;
    NodeSet members;
};
// votequorum_qdevice_poll() returned. `now` is read after it did.
struct Polled {
    RingId ring;
    bool cast = false;
    bool ok = false;
};
// An I/O ended, however late.
struct PagesRead {
    IoId id;
    bool ok = false;
    std::string bytes;
};
struct PageWritten {
    IoId id;
    bool ok = false;
};
// A voter of the same ring said something (Say), over an authenticated connection.
struct PeerSaid {
    NodeId from;
    std::string bytes;
};
struct Scored {
    std::uint32_t score = 0;
};
// An operator or fence agent wants the present life of `target` to end.
struct FenceWanted {
    NodeId target;
    std::string reason;
};
// Somebody else has surely ended that life, and its machine runs no more.
struct FenceConfirmed {
    NodeId node;
    Incarnation incarnation;
};
// The node's own rider, to be written with the next heartbeat.
struct RiderChanged {
    std::uint64_t number = 0;
    std::string rider;
};
// What this node knows of a set; its page never says less than it did (Witness::learn).
struct WitnessChanged {
    std::uint64_t number = 0;
    Witness witness;
};
// Everybody's riders and witnesses are wanted, read after this moment.
struct ReadAnew {
    std::uint64_t number = 0;
};
// Binds was carried out: this is remembered. Or it was not, or the watchdog that feeds the machine
// could not be opened: the page says so no more.
struct Bound {
    bool ok = false;
};
// Leave in order.
struct StopVoting {};
struct Tick {};

using VoterInput = std::variant<Configured, UseDisks, RingChanged, Polled, PagesRead, PageWritten,
                                PeerSaid, Scored, FenceWanted, FenceConfirmed, RiderChanged,
                                WitnessChanged, ReadAnew, Bound, StopVoting, Tick>;

// ---- outputs

struct ReadPages {
    IoId id;
    DiskNumber disk;
    std::uint32_t first = 0;
    std::uint32_t count = 0;
};
struct WritePage {
    IoId id;
    DiskNumber disk;
    std::uint32_t page = 0;
    std::string bytes;
};
// votequorum_qdevice_poll(), then Polled. At most one is under way. A vote is cast only before
// `before`: the shell looks at the clock once more, and if it is too late answers that it failed.
struct Poll {
    RingId ring;
    bool cast = false;
    BootTime before = BootTime::max();
};
struct Say {
    NodeId to;
    std::string bytes;
};
// Only before that time, as with Poll.
struct FeedWatchdog {
    BootTime before = BootTime::max();
};
// The page is to say that the watchdog resets this machine if the voter does not run or cannot
// renew its page. To be remembered as long as the machine runs (VoterOptions::bound), then Bound.
struct Binds {};
// Which boot of which node was seen last: for the next lives, of later boots too.
struct Remember {
    std::string bytes;
};
// The machines of `ring` have the votes until then, and whatever happens no others have them
// before. votes 0: this node has none.
struct Publish {
    RingId ring;
    std::uint32_t votes = 0;
    BootTime until;
};
struct RiderWritten {
    std::uint64_t number = 0;
    bool held = false;  // and this node had the votes still
};
struct WitnessWritten {
    std::uint64_t number = 0;
    bool held = false;
    bool full = false;  // no place for one set more, or too many wait: nothing is written
};
struct ReadDone {
    std::uint64_t number = 0;
    std::vector<std::string> riders;
    std::vector<Witness> own;     // what this node's page knows, and of each set
    std::vector<Witness> others;  // what those of all others know together
};
// `done`: the machine that ran this life has been reset or is off.
struct FenceDone {
    NodeId target;
    Incarnation incarnation;
    bool done = false;
    std::string text;
};
struct Stopped {};
struct Note {
    LogLevel level = LogLevel::kInfo;
    std::string event;
    std::string text;
};

using VoterOutput =
    std::variant<ReadPages, WritePage, Poll, Say, FeedWatchdog, Binds, Remember, Publish,
                 RiderWritten, WitnessWritten, ReadDone, FenceDone, Stopped, Note>;
using VoterOutputs = std::vector<VoterOutput>;

struct VoterStatus {
    VoterState state = VoterState::kStart;
    std::string reason;  // why it has not the votes
    RingId ring;
    NodeSet members;
    std::uint32_t quorum = 0;
    std::uint32_t disk_votes = 0;
    bool trusted = false;
    bool casting = false;
    bool bound = false;  // the page may say that the watchdog binds this voter
    Epoch epoch;         // the newest known
    Epoch held;
    Epoch released;
    std::optional<BootTime> lease;  // runs until
    NodeSet silent;                 // nodes whose page does not change
    struct Step {
        NodeId node;
        std::uint32_t step = 0;
        bool trusted = false;
    };
    std::vector<Step> steps;  // how far each node is in a replacement
};

// Thread rule: one caller at a time. `now` is CLOCK_BOOTTIME, read when the input was in hand; an
// output is carried out after that.
class Voter {
public:
    explicit Voter(VoterOptions options);
    ~Voter();
    Voter(Voter&&) noexcept;
    Voter& operator=(Voter&&) noexcept;

    VoterOutputs step(BootTime now, const VoterInput& input);
    // When to step with Tick next.
    BootTime deadline() const;
    VoterStatus status(BootTime now) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace quorate::quorum
