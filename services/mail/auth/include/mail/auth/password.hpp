#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace quorate::mail::auth {

// Secrets are "{SCHEME}data" as Dovecot writes them. Verified: CRYPT and crypt(5)'s own "$..."
// forms, SHA512-CRYPT, SHA256-CRYPT, BLF-CRYPT, MD5-CRYPT, PLAIN, SHA, SSHA, SHA256, SSHA256,
// SHA512, SSHA512 (base64; the unsalted ones also hexadecimal, told by their length), SCRAM-SHA-256
// ("iterations,salt,StoredKey,ServerKey" in base64). A suffix .HEX or .B64 of the scheme says how
// the data is encoded.
//
// Slow on purpose: call on a worker thread. Pure functions of their arguments and the system's
// randomness. Limit: passwords of at most 511 octets, which is crypt(3)'s.

struct HashCost {
    unsigned long yescrypt = 0;        // crypt_gensalt's count; 0: its default (about 20 ms)
    unsigned scram_iterations = 4096;  // RFC 7677 4
};

// What an account keeps of a password: one yescrypt and one SCRAM-SHA-256 secret. A text that
// already is a secret of a known scheme is taken as it is.
Result<std::vector<std::string>> make_secrets(std::string_view password, HashCost cost = {});

// False also for a scheme that is not known. Compares in constant time.
bool verify_secret(std::string_view secret, std::string_view password);

// A well-formed secret of one of these schemes. A password that happens to begin with '$' or '{' is
// none. May cost as much as a verification.
bool is_known_secret(std::string_view secret);

// Verifying takes long on purpose: a scheme of crypt(3).
bool is_slow_secret(std::string_view secret);

struct ScramSecret {
    unsigned iterations = 0;
    std::string salt;        // octets
    std::string stored_key;  // octets
    std::string server_key;
};
std::optional<ScramSecret> parse_scram_secret(std::string_view secret);
std::string make_scram_secret(std::string_view password, std::string_view salt,
                              unsigned iterations);

}  // namespace quorate::mail::auth
