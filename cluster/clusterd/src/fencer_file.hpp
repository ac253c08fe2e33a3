#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "cluster/group_message.hpp"

// The outside fencers that are registered on this node, as they are kept over restarts:
// docs/formats/fencers.md.
namespace quorate::cluster {

// By name: the user who registered it.
using FencerOwners = std::map<std::string, std::uint32_t>;

// The lease has the place that is missing.
inline constexpr std::size_t kMaxOutsideFencers = kMaxFencers - 1;

// 1 to 32 letters, digits, dots, hyphens and underscores, a letter or digit first; not "lease",
// which is clusterd's own.
bool is_fencer_name(std::string_view name);

std::string encode_fencers(const FencerOwners& owners);
// Errors: errc::damaged, errc::unsupported_version.
Result<FencerOwners> decode_fencers(std::string_view text);

}  // namespace quorate::cluster
