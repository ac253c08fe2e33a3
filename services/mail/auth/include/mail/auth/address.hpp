#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace quorate::mail::auth {

// An address taken apart and brought to its canonical form: the domain as of
// canonical_domain(), a quoted local part unquoted.
struct SplitAddress {
    std::string local;
    std::string domain;

    std::string to_string() const { return local + "@" + domain; }
    // What lookups compare: all of it in lower case (ASCII; UTF-8 octets stay).
    std::string key() const;
};

// Nothing for what RFC 5321 4.1.2 and RFC 6531 do not allow: no local part or domain, more than 64
// or 255 octets, control characters, a domain that is no host name. Address literals are not local
// addresses here.
std::optional<SplitAddress> split_address(std::string_view address);

// A name without '@' is one of the default domain; nothing when there is none (empty).
std::optional<std::string> full_address(std::string_view name, std::string_view default_domain);

// A host name in the one form that all its spellings have: lower case, labels beyond ASCII as
// A-labels (UTS #46, not transitional: sharp s stays itself). Nothing if it is none (RFC 5321
// 2.3.5, RFC 6531 3.3): letters, digits, hyphens, and UTF-8 or xn-- labels that IDNA allows.
std::optional<std::string> canonical_domain(std::string_view name);

}  // namespace quorate::mail::auth
