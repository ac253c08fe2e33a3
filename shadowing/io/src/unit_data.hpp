#pragma once

#include "shadowing/data_ring.hpp"
#include "shadowing/io/mounted_set.hpp"

// What both ways to a unit's data have in common.
namespace quorate::shadowing {

// Not of extents, which are told at once.
RequestKind unit_kind(DataKind kind);
UnitReply told_extents(const MountedSet& set, std::uint64_t offset, std::uint64_t octets);

}  // namespace quorate::shadowing
