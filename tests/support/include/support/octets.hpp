#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace quorate::support {

// Octets as text of one line and back: printable ASCII stands for itself, a backslash is doubled,
// CR, LF and TAB are \r, \n and \t, everything else (and a space at the end) is \xNN.
std::string escape_octets(std::string_view octets);

// Reads also \*N{text}: the text, which may hold escapes but no braces, N times (at most 16 MiB in
// all). Nothing for an unknown escape.
std::optional<std::string> unescape_octets(std::string_view text);

// Octets of a line-oriented stream as lines "X: text", each for the octets up to CRLF and the CRLF.
// A last line without CRLF ends in a single backslash. `lead` is "X:".
std::string octets_as_lines(std::string_view lead, std::string_view octets);

// The octets of one such line, lead removed: with CRLF unless it ends in a single backslash.
std::optional<std::string> line_as_octets(std::string_view text);

}  // namespace quorate::support
