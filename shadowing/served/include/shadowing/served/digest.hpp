#pragma once

#include <span>
#include <string>

#include "shadowing/served/export_name.hpp"

namespace quorate::shadowing {

// kDigestOctets for each kDigestBlock of `data`, whose size is a multiple of that.
std::string digests_of(std::span<const char> data);

}  // namespace quorate::shadowing
