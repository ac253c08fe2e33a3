#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace quorate::mail::smtp {

// RFC 3461 section 4: printable ASCII stands for itself, anything else is "+" and two upper-case
// hexadecimal digits. Nothing for what is not xtext.
std::optional<std::string> decode_xtext(std::string_view text);

}  // namespace quorate::mail::smtp
