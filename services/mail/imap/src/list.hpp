#pragma once

#include "job.hpp"

namespace quorate::mail::imap {

// LIST and LSUB (RFC 3501 6.3.8, 6.3.9) with CHILDREN (RFC 3348) and SPECIAL-USE (RFC 6154).
Result<Reply> run_list(Turn& turn, const List& command);

}  // namespace quorate::mail::imap
