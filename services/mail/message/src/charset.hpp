#pragma once

#include <cstddef>
#include <string_view>

namespace quorate::mail::message {

// Octets at the beginning that are ASCII.
std::size_t ascii_prefix(std::string_view bytes);

}  // namespace quorate::mail::message
