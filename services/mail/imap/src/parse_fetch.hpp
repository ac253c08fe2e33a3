#pragma once

#include <vector>

#include "lexer.hpp"
#include "mail/imap/command.hpp"

namespace quorate::mail::imap {

// The items of FETCH, macros expanded (RFC 3501 6.4.5 and 9): a macro, one item, or a list. False
// after a failure. Limit: 256 items.
bool parse_fetch_items(Lexer& lexer, std::vector<FetchItem>& out);

}  // namespace quorate::mail::imap
