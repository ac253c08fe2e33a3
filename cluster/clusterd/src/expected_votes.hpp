#pragma once

#include <cstdint>
#include <string>

namespace quorate::cluster {

// "1 vote", "2 votes".
std::string votes_text(std::uint32_t votes);

// Why Corosync does not expect `votes` while `present` are there, and what to do instead: it
// expects no fewer than are present, and none of which they would not be the majority.
std::string votes_refusal(std::uint32_t votes, std::uint32_t present);

}  // namespace quorate::cluster
