#include <gsasl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <cstdlib>

#include <fmt/core.h>

#include "base/base64.hpp"
#include "base/text.hpp"
#include "mail/auth/password.hpp"

namespace quorate::mail::auth {
namespace {

constexpr std::string_view kScheme = "{SCRAM-SHA-256}";
constexpr unsigned kIterationsMax = 1'000'000;

const unsigned char* octets(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

std::string hmac(std::string_view key, std::string_view text) {
    std::string out(SHA256_DIGEST_LENGTH, '\0');
    unsigned size = 0;
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), octets(text), text.size(),
         reinterpret_cast<unsigned char*>(out.data()), &size);
    return out;
}

std::string sha256(std::string_view text) {
    std::string out(SHA256_DIGEST_LENGTH, '\0');
    SHA256(octets(text), text.size(), reinterpret_cast<unsigned char*>(out.data()));
    return out;
}

// Normalize() of RFC 5802 2.2, which clients apply too. What SASLprep forbids is taken as it is.
std::string normalize(std::string_view password) {
    char* prepared = nullptr;
    const int result =
        gsasl_saslprep(std::string(password).c_str(), GSASL_ALLOW_UNASSIGNED, &prepared, nullptr);
    if (result != GSASL_OK) {
        return std::string(password);
    }
    std::string text(prepared);
    std::free(prepared);
    return text;
}

}  // namespace

std::optional<ScramSecret> parse_scram_secret(std::string_view secret) {
    if (!istarts_with(secret, kScheme)) {
        return std::nullopt;
    }
    const auto fields = split(secret.substr(kScheme.size()), ',');
    if (fields.size() != 4) {
        return std::nullopt;
    }
    const auto iterations = parse_u64(fields[0]);
    const auto salt = base64_decode(fields[1]);
    const auto stored = base64_decode(fields[2]);
    const auto server = base64_decode(fields[3]);
    if (!iterations || *iterations == 0 || *iterations > kIterationsMax || !salt || !stored ||
        !server || stored->size() != SHA256_DIGEST_LENGTH ||
        server->size() != SHA256_DIGEST_LENGTH) {
        return std::nullopt;
    }
    return ScramSecret{static_cast<unsigned>(*iterations), *salt, *stored, *server};
}

// RFC 5802 section 3.
std::string make_scram_secret(std::string_view password, std::string_view salt,
                              unsigned iterations) {
    const auto normal = normalize(password);
    std::string salted(SHA256_DIGEST_LENGTH, '\0');
    PKCS5_PBKDF2_HMAC(normal.data(), static_cast<int>(normal.size()), octets(salt),
                      static_cast<int>(salt.size()), static_cast<int>(iterations), EVP_sha256(),
                      SHA256_DIGEST_LENGTH, reinterpret_cast<unsigned char*>(salted.data()));
    const auto stored = sha256(hmac(salted, "Client Key"));
    const auto server = hmac(salted, "Server Key");
    return fmt::format("{}{},{},{},{}", kScheme, iterations, base64_encode(salt),
                       base64_encode(stored), base64_encode(server));
}

}  // namespace quorate::mail::auth
