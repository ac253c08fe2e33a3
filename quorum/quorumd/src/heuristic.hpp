#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace quorate::quorum {

// A command that says, by succeeding, that this node does well: that it reaches the router, say.
struct Heuristic {
    std::string name;
    std::vector<std::string> command;  // the first is an absolute path
    std::uint32_t score = 1;
    std::chrono::milliseconds interval{10'000};  // from one end to the next start
    std::chrono::milliseconds timeout{2'000};
};
inline constexpr std::size_t kMaxHeuristics = 8;
inline constexpr std::uint32_t kMaxScore = 1000;

}  // namespace quorate::quorum
