#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "mail/store/types.hpp"

// Pieces of responses (RFC 3501 9), appended to what is there. Pure functions, any thread.
namespace quorate::mail::imap {

void append_number(std::string& out, std::uint64_t value);

// Whether quoted can carry it: US-ASCII without NUL, CR and LF.
bool is_quotable(std::string_view text);
// literal, with the octets as they are. NUL is no CHAR8: `octets` has none.
void append_literal(std::string& out, std::string_view octets);
// string: quoted when it can be, literal otherwise.
void append_string(std::string& out, std::string_view text);
// astring: as an atom when it is one (and not NIL), else as string. For mailbox names this is given
// the result of encode_mailbox_name().
void append_astring(std::string& out, std::string_view text);

// flag-list with its parentheses: system flags, then keywords; keywords[i] is bit kFirstKeyword +
// i. \Recent is a session's own and so comes apart.
struct RenderedFlags {
    store::FlagBits flags = 0;
    std::span<const std::string> keywords;
    bool recent = false;
};
void append_flag_list(std::string& out, const RenderedFlags& flags);
// The same without parentheses, so that a caller may go on ("\*", "$Forwarded").
void append_flags(std::string& out, const RenderedFlags& flags);

// uid-set (RFC 4315 4), in the order given; neighbours that ascend by one become a range. `uids` is
// not empty.
void append_uid_set(std::string& out, std::span<const store::Uid> uids);

}  // namespace quorate::mail::imap
