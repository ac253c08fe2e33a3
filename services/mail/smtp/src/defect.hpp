#pragma once

namespace quorate::mail::smtp {

// What makes a message unfit, found while it is decoded.
enum class Defect {
    kNone,
    // A CR or LF that is not part of CR LF: what one server takes for the end of a line or of a
    // message and another does not (SMTP smuggling). RFC 5321 2.3.8 forbids them.
    kBareLineEnd,
    // Neither 7bit nor 8bit data may have NUL (RFC 2045 2.7, 2.8), and IMAP has no way to send it.
    kNul,
};

}  // namespace quorate::mail::smtp
