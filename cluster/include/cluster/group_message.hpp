#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "cluster/floor.hpp"
#include "cluster/group.hpp"
#include "cluster/view.hpp"

// Messages of the CPG group `quorate` (docs/formats/group-message.md).
namespace quorate::cluster {

inline constexpr std::size_t kMaxGroupMessage = 16 * 1024;
inline constexpr std::size_t kMaxRings = 8;
inline constexpr std::size_t kMaxText = 255;  // names, addresses, versions
inline constexpr std::size_t kMaxFencers = 32;

// One state of the group: the ring, and who was in the group on it. A message counts only at
// those who are in the same state.
struct Configuration {
    RingId ring;
    std::uint64_t members = 0;  // hash of the sorted list
    auto operator<=>(const Configuration&) const = default;
};
Configuration configuration_of(RingId ring, const std::vector<GroupMember>& members);

// What one member says of itself when the group changed, and again whenever any of it changes.
struct Hello {
    Configuration configuration;
    std::uint32_t attempt = 0;  // counts this member's hellos
    Member self;
    std::string cluster_name;
    std::string key_fingerprint;
    Epoch floor;       // no epoch up to this may be used
    Epoch disk_floor;  // that of the quorum disk, read in this round; 0: it does not count
    Lineage lineage;   // newest it knows, the disk's included
    Epoch joined;      // last with quorum that this incarnation was in; 0: none
    // 0, or joined is 0 and this is the least epoch that others may count it a member of: it spoke
    // and never heard how that ended.
    Epoch may_have_joined;
    bool quorate = false;  // as votequorum says on this ring
    std::uint32_t expected_votes = 0;
    std::uint32_t quorum = 0;
    std::uint32_t disk_votes = 0;      // of the quorum disk, while this node holds it
    std::uint16_t wanted_level = 0;    // asked by the operator; 0: none
    std::vector<MemberId> taken_over;  // lost lives this member was told it may take over
    bool operator==(const Hello&) const = default;
};

// "I have made this epoch durable, and will be a member of exactly this proposal under it."
struct Vouch {
    Configuration configuration;
    Epoch epoch;
    std::uint64_t proposal = 0;  // hash of everything in it
    bool operator==(const Vouch&) const = default;
};

// "This one does not speak; go on without it." `attempt` is the last hello that was heard of it, 0
// if none: a later hello brings it back.
struct Silent {
    Configuration configuration;
    GroupMember member;
    std::uint32_t attempt = 0;
    bool operator==(const Silent&) const = default;
};

// How far the sender's fencers are with a lost life. Nothing left in `waiting`: confirmed.
struct Fencing {
    Epoch epoch;
    MemberId lost;
    std::vector<std::string> waiting;
    bool operator==(const Fencing&) const = default;
};

using GroupMessage = std::variant<Hello, Vouch, Silent, Fencing>;

std::string encode(const GroupMessage& message);
// Errors: errc::damaged, errc::unsupported_version, errc::too_large. Drop the message.
Result<GroupMessage> decode_group_message(std::string_view bytes);

}  // namespace quorate::cluster
