#pragma once

#include <compare>
#include <cstdint>

#include "cluster/view.hpp"

// Corosync's names for what stands below a membership.
namespace quorate::cluster {

// One membership of machines, told apart for ever: its representative, and a number that grows.
struct RingId {
    NodeId node;
    std::uint64_t sequence = 0;
    auto operator<=>(const RingId&) const = default;
};

// A process in the CPG group.
struct GroupMember {
    NodeId node;
    std::uint32_t process = 0;
    auto operator<=>(const GroupMember&) const = default;
};

}  // namespace quorate::cluster
