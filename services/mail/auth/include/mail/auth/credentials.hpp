#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "mail/auth/directory.hpp"
#include "mail/auth/password.hpp"

namespace quorate::mail::auth {

// Checks names and passwords against the directory. A wrong password and an unknown name take the
// same time. What was right within the last minute is remembered (as a keyed hash), so that clients
// which log in again and again cost little.
//
// Thread rule: any thread; verify() is slow on purpose. Limit: 4,096 remembered.
class Credentials {
public:
    struct Options {
        std::string default_domain;  // for names without '@'; empty: refused
        std::chrono::seconds remember{60};
        HashCost cost;  // of the decoy that stands for unknown names
    };
    Credentials(const Directory& directory, Options options);
    ~Credentials();

    // The account, enabled, if the password is its.
    std::optional<AccountRecord> verify(std::string_view name, std::string_view password,
                                        MonoTime now);
    // The account's SCRAM secret; for an unknown name, or an account without one, a constant false
    // one (RFC 5802 9).
    ScramSecret scram(std::string_view name) const;
    std::optional<AccountRecord> find(std::string_view name) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace quorate::mail::auth
