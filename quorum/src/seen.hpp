#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "message.hpp"

// What a voter keeps on its own machine of which boots it has seen, for the voters after it
// (docs/formats/quorum-seen.md).
namespace quorate::quorum {

std::string encode_seen(const std::vector<Sighting>& sightings);
// Errors: errc::damaged, errc::unsupported_version.
Result<std::vector<Sighting>> decode_seen(std::string_view bytes);

}  // namespace quorate::quorum
