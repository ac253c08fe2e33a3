#pragma once

#include "job.hpp"

namespace quorate::mail::imap {

// FETCH and UID FETCH (RFC 3501 6.4.5, 7.4.2).
//
// What the index has is rendered from it; ENVELOPE, BODY and BODYSTRUCTURE alone are read in runs;
// everything else is read message by message, a large section in steps. A message that others have
// expunged is still shown: the client's sequence numbers name it until it is told.
Result<Reply> run_fetch(Turn& turn, const Fetch& command);

}  // namespace quorate::mail::imap
