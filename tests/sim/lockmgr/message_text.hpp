#pragma once

#include <string>
#include <string_view>

#include "lockmgr/types.hpp"

// What lock managers say to each other, a line per message: for traces and transcripts.
namespace quorate::lockmgr::simulator {

// "5.3": the third grant of epoch 5.
std::string text_of(Token token);
// A packet's messages, with "; " between them; empty if it only acknowledges.
std::string text_of_packet(std::string_view bytes);

}  // namespace quorate::lockmgr::simulator
