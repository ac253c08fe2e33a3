#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/strong.hpp"

// What the rest of the house knows of the cluster: who is a member, under which epoch, and what
// happened to those who were. Values only; the machines that make them are in cluster/.
//
// Consumers (lock manager, shadow sets, services) get the Events below from clusterd, in order,
// and obey three rules:
//   * a message that carries another epoch than that of the current view is refused;
//   * nothing of a lost member is released before its TakeoverAllowed;
//   * Expelled is final: drop everything, end, start anew with a new incarnation.
namespace quorate::cluster {

// Corosync's nodeid. 0 is no node.
using NodeId = Strong<struct NodeIdTag, std::uint32_t>;
// Number of a membership, strictly increasing for the life of the cluster, restarts included. 0:
// never a member of any.
using Epoch = Strong<struct EpochTag, std::uint64_t>;
// Random number drawn at each start of clusterd. 0 is none.
using Incarnation = Strong<struct IncarnationTag, std::uint64_t>;

inline constexpr std::size_t kMaxMembers = 64;

// One life of one node.
struct MemberId {
    NodeId node;
    Incarnation incarnation;
    auto operator<=>(const MemberId&) const = default;
};

// Protocol levels a program speaks, both ends included.
struct LevelRange {
    std::uint16_t lowest = 0;
    std::uint16_t highest = 0;
    bool contains(std::uint16_t level) const { return lowest <= level && level <= highest; }
    bool operator==(const LevelRange&) const = default;
};

struct Member {
    MemberId id;
    std::string name;
    std::string software;                // version, for people
    std::vector<std::string> addresses;  // of the interconnect, "host:port", one per ring
    std::uint32_t votes = 0;
    std::uint32_t directory_weight = 0;  // share of the lock directory (LCKDIRWT); 0 while draining
    LevelRange levels;
    bool draining = false;  // takes no new work; for people and for who hands out work
    bool operator==(const Member&) const = default;
};

// One membership. All members that commit an epoch commit the same View.
struct View {
    Epoch epoch;
    std::vector<Member> members;  // by node id
    bool quorate = false;         // as agreed when the epoch was committed; may be lost: QuorumLost
    NodeId coordinator;           // who leads what needs one leader in this epoch
    std::uint16_t level = 0;      // active protocol level
    std::uint32_t quorum = 0;     // votes that decide
    std::uint32_t disk_votes = 0;  // of the quorum disk, counted in this view
    // Lives that held membership with quorum and are gone, until every member was told
    // TakeoverAllowed. By node id, then incarnation.
    std::vector<MemberId> lost;

    const Member* find(NodeId node) const {
        const auto it = std::ranges::find_if(
            members, [&](const Member& member) { return member.id.node == node; });
        return it == members.end() ? nullptr : &*it;
    }
    const Member* find(MemberId id) const {
        const auto* member = find(id.node);
        return member != nullptr && member->id == id ? member : nullptr;
    }
    bool operator==(const View&) const = default;
};

// ---- events

// A new membership. Locks, circuits and requests of the epoch before are void.
struct ViewCommitted {
    View view;
};
// The current view lost its votes: wait, release nothing, fail nothing. Ends with a later
// ViewCommitted that is quorate.
struct QuorumLost {
    Epoch epoch;
};
// Nothing of `lost` can touch shared data any more: release its locks, merge its writes. Said once
// per epoch and life that View::lost names, only in a quorate view. Idempotent: it is said again
// in a later epoch if a member had not heard it.
struct TakeoverAllowed {
    Epoch epoch;
    MemberId lost;
};
// The others went on without this incarnation, or this node may not be a member.
struct Expelled {
    std::string reason;
};

using Event = std::variant<ViewCommitted, QuorumLost, TakeoverAllowed, Expelled>;

}  // namespace quorate::cluster
