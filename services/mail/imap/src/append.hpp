#pragma once

#include "job.hpp"

namespace quorate::mail::imap {

// APPEND (RFC 3501 6.3.11) with APPENDUID (RFC 4315) and APPENDLIMIT (RFC 7889), and the question
// that comes before its octets.
Result<Reply> run_append_check(Turn& turn, const AppendCheck& command);
Result<Reply> run_append(Turn& turn, const Append& command);

}  // namespace quorate::mail::imap
