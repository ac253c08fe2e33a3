#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"

// What the daemon asks of its privileged half and hears from it: one packet each on a SEQPACKET
// socket between the two, which are the same program.
namespace quorate::cluster {

inline constexpr std::size_t kHandPacketMax = 96 * 1024;
inline constexpr std::size_t kHandOutputPiece = 32 * 1024;
inline constexpr std::size_t kCommandWordsMax = 1000;

struct HandRun {
    std::uint64_t id = 0;
    std::vector<std::string> words;  // program and arguments; no shell
    std::uint32_t timeout_ms = 0;
};
// Replaces the Corosync configuration; the one before is kept beside it as ".old".
struct HandReplaceConf {
    std::uint64_t id = 0;
    std::string text;
};
using HandRequest = std::variant<HandRun, HandReplaceConf>;

struct HandOutput {
    std::uint64_t id = 0;
    std::string bytes;  // of standard output and standard error, as they came
};
struct HandDone {
    std::uint64_t id = 0;
    // As a shell counts: 0 to 255, 128 + signal; 124 when the time was over; 127 when it could not
    // be run.
    std::uint32_t exit_code = 0;
    std::string problem;  // of our own doing; empty when the command itself ended
};
using HandReply = std::variant<HandOutput, HandDone>;

std::string encode(const HandRequest& request);
std::string encode(const HandReply& reply);
Result<HandRequest> decode_hand_request(std::string_view bytes);
Result<HandReply> decode_hand_reply(std::string_view bytes);

}  // namespace quorate::cluster
