#pragma once

#include <string>

namespace quorate::cluster {

// The privileged half: serves requests from `socket` until the other half is gone, each in a
// process of its own. Returns never.
[[noreturn]] void serve_as_hand(int socket, const std::string& conf_path);

}  // namespace quorate::cluster
