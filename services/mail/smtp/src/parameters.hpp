#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "path.hpp"
#include "reply.hpp"

// MAIL and RCPT with their parameters (RFC 5321 4.1.1.2, 4.1.1.3 and 4.1.1.11).
namespace quorate::mail::smtp {

struct MailArguments {
    Mailbox reverse_path;    // empty: null reverse-path
    std::uint64_t size = 0;  // RFC 1870; 0: not said
    bool eight_bit = false;  // RFC 6152 BODY=8BITMIME
    bool utf8 = false;       // RFC 6531 SMTPUTF8
    std::string ret;         // RFC 3461 4.3: "FULL", "HDRS", or empty
    std::string envid;       // RFC 3461 4.4, decoded
    std::string auth;        // RFC 4954 5, decoded; "<>" as such
};

struct RcptArguments {
    Mailbox forward_path;  // without domain only for postmaster
    std::string notify;    // RFC 3461 4.1, upper case, as given
    std::string orcpt;     // RFC 3461 4.2: "type;address", decoded
};

template <class T>
using OrReply = tl::expected<T, Reply>;

// What stands behind "MAIL " and "RCPT ". White space behind the colon is let through, because
// clients send it against the rule. `auth_offered`: without AUTH there is no AUTH=. `utf8`: whether
// MAIL said SMTPUTF8.
OrReply<MailArguments> parse_mail(std::string_view argument, bool auth_offered);
OrReply<RcptArguments> parse_rcpt(std::string_view argument, bool utf8);

}  // namespace quorate::mail::smtp
