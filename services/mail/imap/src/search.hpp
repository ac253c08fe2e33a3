#pragma once

#include "job.hpp"

namespace quorate::mail::imap {

// SEARCH and UID SEARCH (RFC 3501 6.4.4, 7.2.5). Runs in slices: after so much reading the other
// sessions of the account have their turn.
Result<Reply> run_search(Turn& turn, const Search& command);

}  // namespace quorate::mail::imap
