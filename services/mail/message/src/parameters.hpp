#pragma once

#include <vector>

#include "lexer.hpp"
#include "mime_fields.hpp"

namespace quorate::mail::message {

// The parameters from here to the end (RFC 2045 5.1, RFC 2231): `; name=value; ...`. Lenient: stray
// separators, missing semicolons, tspecials in unquoted values. At most `limit` are kept.
std::vector<Parameter> parse_parameters(Lexer& lexer, std::size_t limit);

}  // namespace quorate::mail::message
