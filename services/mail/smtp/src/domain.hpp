#pragma once

#include <string_view>

// Names and addresses of hosts as SMTP writes them.
namespace quorate::mail::smtp {

bool is_ascii(std::string_view text);

// RFC 5321 4.1.2 Domain, with UTF-8 labels (RFC 6531 3.3): at most 255 octets, labels of at most
// 63. An underscore is let through, because hosts have it in their names against the rule.
bool is_domain(std::string_view text);

// RFC 5321 4.1.3: "[192.0.2.1]", "[IPv6:2001:db8::1]". No other tag is registered.
bool is_address_literal(std::string_view text);

bool is_ipv4(std::string_view text);
// With "::" and with a dotted quad at the end.
bool is_ipv6(std::string_view text);

}  // namespace quorate::mail::smtp
