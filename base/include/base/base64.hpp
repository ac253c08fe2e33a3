#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace quorate {

// RFC 4648 section 4, one line, with padding.
std::string base64_encode(std::string_view bytes);

// Strict: nothing for a character outside the alphabet, a wrong length, misplaced padding, or
// non-zero spare bits. Protocol lines (SASL) use this; MIME bodies, which are full of garbage, have
// a lenient decoder of their own.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace quorate
