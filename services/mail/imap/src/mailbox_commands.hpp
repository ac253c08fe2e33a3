#pragma once

#include "job.hpp"

// Commands about mailboxes as a whole (RFC 3501 6.3, 6.4.2; RFC 3691). Errors: of the store, for
// refused(const Error&).
namespace quorate::mail::imap {

Result<Reply> run_select(Turn& turn, const Select& command);
Result<Reply> run_unselect(Turn& turn, const Unselect& command);
Result<Reply> run_create(Turn& turn, const Create& command);
Result<Reply> run_delete(Turn& turn, const Delete& command);
Result<Reply> run_rename(Turn& turn, const Rename& command);
Result<Reply> run_subscribe(Turn& turn, const Subscribe& command);
Result<Reply> run_status(Turn& turn, const StatusCommand& command);

}  // namespace quorate::mail::imap
