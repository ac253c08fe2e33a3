#pragma once

#include <string>
#include <string_view>

// IMAP strings (RFC 3501 4.3) as response text.
namespace quorate::mail::message {

// A quoted string; `text` has nothing that one cannot hold.
void append_quoted(std::string& out, std::string_view text);
// A quoted string, or a literal when an octet is above 127. NUL, which no IMAP string may contain,
// becomes U+FFFD, a stray line end becomes a space.
void append_string(std::string& out, std::string_view text);

}  // namespace quorate::mail::message
