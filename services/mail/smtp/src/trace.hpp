#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "mail/session/session.hpp"
#include "mail/smtp/session.hpp"

// What the server puts in front of a message.
namespace quorate::mail::smtp {

struct Transport {
    Role role = Role::kReceive;
    bool extended = true;  // EHLO or LHLO, not HELO
    bool tls = false;
    bool authenticated = false;
    bool utf8 = false;  // MAIL said SMTPUTF8
};

// The "with" clause: RFC 3848, and RFC 6531 4.3 for mail with SMTPUTF8.
std::string transport_name(const Transport& transport);

struct Trace {
    std::string reverse_path;  // without angle brackets
    std::string hello;         // what the client called itself
    std::string address;       // Peer::address
    std::string host;
    Transport transport;
    std::optional<TlsInfo> tls;
    std::string id;
    std::optional<std::string> recipient;  // when there is exactly one
    WallTime time;
};

// Return-Path and Received (RFC 5321 4.4), each line at most 998 octets. The cipher stands in the
// "tls" clause of RFC 8314 4.3 when its registered name is known, else in a comment.
std::string trace_header(const Trace& trace);

// Fields that a submission server adds when they are missing (RFC 6409 8.2 and 8.3).
std::string date_field(WallTime time);
// `id` is unique in the node now; with the time it is unique for good.
std::string message_id_field(std::string_view id, WallTime time, std::string_view host);

}  // namespace quorate::mail::smtp
