#pragma once

#include <optional>
#include <string>
#include <string_view>

// Mailbox names between the wire, modified UTF-7 (RFC 3501 5.1.3), and UTF-8. Pure functions, any
// thread; time and memory are linear in the argument.
namespace quorate::mail::imap {

// Nothing when it is not the one valid encoding of a name: octets outside printable US-ASCII, a
// shift that does not end, is superfluous or encodes what must stand for itself, spare bits that
// are not zero, a lone surrogate. Names with control characters are refused too: no mailbox is
// called so. LIST patterns decode the same way, because the wildcards stand for themselves.
std::optional<std::string> decode_mailbox_name(std::string_view wire);

// decode_mailbox_name() of the result is `utf8` again. What is not UTF-8 is encoded as U+FFFD.
std::string encode_mailbox_name(std::string_view utf8);

}  // namespace quorate::mail::imap
