#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "cluster/view.hpp"

namespace quorate::cluster {

inline constexpr std::size_t kMaxLost = 192;
inline constexpr std::size_t kMaxFloorBytes = 3328;

// The newest membership with quorum that this node has vouched for, or has learned of from the
// quorum disk. Whether it was ever committed does not matter: it may have been.
//
// Nor need it know of every one that was committed before: who vouches may have heard the others
// before they went on without it. What it surely accounts for ends at `known`: any membership that
// was committed under an epoch up to that has a voter whose word went into this one.
struct Lineage {
    Epoch epoch;              // 0: none
    std::uint16_t level = 0;  // active protocol level
    std::vector<MemberId> members;
    std::vector<MemberId> lost{};  // still awaiting takeover at that time
    Epoch known{};

    bool has(MemberId id) const;
    // Nothing that the other says matters beside this.
    bool supersedes(const Lineage& other) const { return other.epoch <= known; }
    bool operator==(const Lineage&) const = default;
};

// What a node must not forget: no epoch up to `epoch` may be used again. Kept in
// var/lib/quorate/cluster/floor, and on the quorum disk by each node whose votes need it
// (docs/formats/epoch-floor.md). Written and flushed before the node vouches for the epoch.
struct Floor {
    Epoch epoch;
    Lineage lineage;
    bool operator==(const Floor&) const = default;
};

std::string encode(const Floor& floor);
// Errors: errc::damaged (torn or foreign: the operator restores it or takes the node out),
// errc::unsupported_version, errc::too_large.
Result<Floor> decode_floor(std::string_view bytes);

// Of two floors: the greater epoch, the newer lineage. If that does not supersede the older, whom
// the older has not may not return either, and whom either had or lost is lost.
Floor merge(const Floor& a, const Floor& b);

}  // namespace quorate::cluster
