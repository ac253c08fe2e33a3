#pragma once

#include <system_error>

namespace quorate::mail::auth {

enum class errc {
    exists = 1,
    not_found,
    invalid_address,
    domain_unknown,  // create the domain first
    in_use,          // a domain with accounts or aliases
    bad_secret,      // unknown scheme, malformed hash, or a password that cannot be hashed
    storage,         // SQLite; `detail` has its words
    unsupported_version,
    too_many,
    alias_loop,          // leads back to itself only, or over too many others
    incomplete_address,  // no domain, and no default domain is configured
};

const std::error_category& auth_category();
std::error_code make_error_code(errc code);

}  // namespace quorate::mail::auth

template <>
struct std::is_error_code_enum<quorate::mail::auth::errc> : std::true_type {};
