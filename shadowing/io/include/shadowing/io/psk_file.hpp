#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace quorate::shadowing {

// The key file of both ends of a served disk: mode 0600, replaced as a whole. `key`: 16 to 64
// octets.
Status write_psk_file(const std::string& path, std::string_view key);

}  // namespace quorate::shadowing
