#pragma once

#include "job.hpp"

// Commands that change messages of the selected mailbox (RFC 3501 6.4.3, 6.4.6, 6.4.7; RFC 4315;
// RFC 6851). Sequence numbers are those that the client knows.
namespace quorate::mail::imap {

Result<Reply> run_expunge(Turn& turn, const Expunge& command);
Result<Reply> run_store_flags(Turn& turn, const StoreFlags& command);
Result<Reply> run_copy(Turn& turn, const Copy& command);

}  // namespace quorate::mail::imap
