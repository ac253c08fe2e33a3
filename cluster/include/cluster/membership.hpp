#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "cluster/floor.hpp"
#include "cluster/group_message.hpp"
#include "cluster/view.hpp"

// The membership machine: turns what Corosync says into views.
//
// A *round* runs whenever the group or anything a member says of itself changes:
//   1. every member multicasts a Hello, once votequorum has spoken for the same ring;
//   2. when all have spoken, each computes the same proposal (src/admission.hpp), whose epoch is
//      above every floor heard;
//   3. each makes epoch and lineage durable, and only then vouches;
//   4. the view is committed when all its members have vouched for the same proposal.
// A node vouches at most once for an epoch, and any two quorums share a voter (or the quorum disk,
// whose votes count only with a floor of its own): so no epoch is ever used by two memberships.
//
// Relied upon of CPG: a message is delivered unchanged, and to its sender too; in one configuration
// all get the same messages in the same order (for progress; agreement rests on the vouches alone).
// Nothing is assumed about how callbacks of CPG and votequorum interleave.
namespace quorate::cluster {

struct MembershipOptions {
    Member self;                // id.incarnation drawn at this start; votes come from QuorumChanged
    std::uint32_t process = 0;  // as CPG names this one (cpg_local_get's node, getpid())
    std::string cluster_name;
    std::string key_fingerprint;
    bool solo =
        false;  // a cluster of one without Corosync: GroupChanged and QuorumChanged are made up
    // How long a round waits for a member before it goes on without it.
    std::chrono::milliseconds silence{5000};
};

// ---- inputs

// First of all: what the last start left, nothing on the very first.
struct FloorLoaded {
    std::optional<Floor> floor;
};
// The floor asked for by WriteFloor is written and flushed. `on_disk`: the quorum disk has it too,
// completed under a hold that was still valid afterwards.
struct FloorWritten {
    Epoch epoch;
    bool on_disk = false;
};
// CPG's membership or ring changed. `members` is the whole group, sorted, this process included.
// joined and left are for the log.
struct GroupChanged {
    RingId ring;
    std::vector<GroupMember> members;
    std::vector<GroupMember> joined;
    std::vector<GroupMember> left;
};
// CPG delivered a message, the machine's own included.
struct GroupDelivered {
    GroupMember sender;
    std::string bytes;
};
// The connection to Corosync is gone.
struct GroupLost {};
// votequorum_getinfo() after a notification for `ring`.
struct QuorumChanged {
    RingId ring;
    bool quorate = false;
    std::uint32_t votes = 0;  // this node's
    std::uint32_t expected_votes = 0;
    std::uint32_t quorum = 0;
};
// quorumd's published lease: the machines of `ring` have the disk's votes until `deadline`
// (CLOCK_BOOTTIME), and whatever happens no other machine has them before that. votes 0: this node
// has none. `hold` is another number when the votes were not this node's all the time since the
// last one: others may have had them in between. `floor` is the greatest on any page of the disk,
// read from it after ReadDisk `read` was asked for.
struct QuorumDisk {
    RingId ring;
    std::uint32_t votes = 0;
    MonoTime deadline;
    std::uint64_t hold = 0;
    std::uint64_t read = 0;
    Floor floor;
};
// The operator raises the active level, once every member speaks it.
struct RaiseLevel {
    std::uint16_t level = 0;
};
// The operator wants this node to take no new work, or to take it again.
struct SetDraining {
    bool draining = false;
};
// This node was told that it may take over from `lost`.
struct TakenOver {
    MemberId lost;
};
struct Tick {};

using MembershipInput =
    std::variant<FloorLoaded, FloorWritten, GroupChanged, GroupDelivered, GroupLost, QuorumChanged,
                 QuorumDisk, RaiseLevel, SetDraining, TakenOver, Tick>;

// ---- outputs

// To the group, in order. The shell repeats CS_ERR_TRY_AGAIN.
struct Multicast {
    std::string bytes;
};
// Make it durable, then FloorWritten. At most one is under way. `on_disk`: on the quorum disk too.
// A failed write is repeated by the shell: until it succeeds this node cannot follow.
struct WriteFloor {
    Floor floor;
    bool on_disk = false;
};
// Have quorumd read all pages anew and publish what it found: another group may have run on this
// ring before. The round waits for it while the disk's lease lasts.
struct ReadDisk {
    std::uint64_t number = 0;
};
// A process may not be a member. When it is this one, Expelled follows.
struct Refusal {
    enum class Cause {
        kClusterName,    // another cluster's name
        kKey,            // another cluster key
        kNodeIdTaken,    // a second process or machine with a node id
        kExpelled,       // the others went on without this incarnation
        kProtocolLevel,  // does not speak the active level
        kEarlierLives,   // too many earlier lives await takeover; comes by itself
    } cause{};
    NodeId node;
    std::string name;
    std::string text;  // names the cause and what to do
};
// RaiseLevel was not done; `text` names the members that do not speak it.
struct LevelRefused {
    std::string text;
};
struct Note {
    LogLevel level = LogLevel::kInfo;
    std::string event;
    std::string text;
};

using MembershipOutput = std::variant<Multicast, WriteFloor, ReadDisk, ViewCommitted, QuorumLost,
                                      Expelled, Refusal, LevelRefused, Note>;

// Thread rule: one caller at a time. `now` is CLOCK_BOOTTIME, read after the input was in hand.
// Limits: kMaxMembers processes in the group, more are ignored with a Note; messages of
// kMaxGroupMessage.
class Membership {
public:
    explicit Membership(MembershipOptions options);
    ~Membership();
    Membership(Membership&&) noexcept;
    Membership& operator=(Membership&&) noexcept;

    std::vector<MembershipOutput> step(MonoTime now, const MembershipInput& input);
    // When to step with Tick next.
    std::optional<MonoTime> deadline() const;

    // The last view committed, nothing before the first. `quorate()` also knows of QuorumLost.
    const View* view() const;
    bool quorate() const;
    bool expelled() const;
    const Floor& floor() const;
    // Votes that decide: of the view, or of a later one that this node has vouched for, if that
    // is more.
    std::uint32_t quorum() const;
    // Members that the round under way waits for, for `clusterctl`; empty when none is.
    std::vector<NodeId> waiting_for() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace quorate::cluster
