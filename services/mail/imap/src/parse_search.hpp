#pragma once

#include "lexer.hpp"
#include "mail/imap/command.hpp"

namespace quorate::mail::imap {

// What follows SEARCH and its space: an optional CHARSET and the keys (RFC 3501 6.4.4). Texts come
// out in UTF-8. False after a failure; a charset that cannot be honoured is refused with
// BADCHARSET. Limits: depth 50, 10,000 keys. Tolerated: octets above 127 without a CHARSET, read as
// UTF-8 and what is not UTF-8 as windows-1252.
bool parse_search_program(Lexer& lexer, SearchKey& out);

}  // namespace quorate::mail::imap
