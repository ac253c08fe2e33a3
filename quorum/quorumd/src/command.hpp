#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace quorate::quorum {

// How a program ended.
struct CommandEnd {
    bool ok = false;   // it said 0
    std::string text;  // "exit 1", "signal 9", "no answer in 2000 ms", or why it was not started
};

// Runs a program to its end, `timeout` at most; then it and what it started are killed. Its input
// is empty and what it writes is lost. Blocks: for a thread of its own.
CommandEnd run_command(const std::vector<std::string>& command, std::chrono::milliseconds timeout);

}  // namespace quorate::quorum
