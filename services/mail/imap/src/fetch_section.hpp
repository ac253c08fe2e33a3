#pragma once

#include <string>
#include <string_view>

#include "mail/imap/command.hpp"
#include "message_content.hpp"

namespace quorate::mail::imap {

// What of a literal is still to be sent: octets of the message.
struct OpenLiteral {
    std::uint64_t at = 0;
    std::uint64_t end = 0;

    bool is_open() const { return at < end; }
};

// Appends the octets. No IMAP string may contain NUL (RFC 3501 9, CHAR8): 0x80 stands in for it, so
// that sizes and offsets stay.
void append_octets(std::string& out, std::string_view octets);

// Appends label and value of one section: NIL when the message has no such part (RFC 3501 7.4.2),
// a literal otherwise, which may be empty (a partial beyond the end). A large literal is only
// begun; `open` tells the rest. Errors: of the store; then nothing was appended.
Status append_section(std::string& out, MessageContent& content, const FetchSection& section,
                      OpenLiteral& open);

// Appends the next piece of a literal.
Status continue_literal(std::string& out, MessageContent& content, OpenLiteral& open);

}  // namespace quorate::mail::imap
