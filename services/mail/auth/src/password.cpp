#include "mail/auth/password.hpp"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>
#include <memory>

#include "base/base64.hpp"
#include "base/text.hpp"
#include "mail/auth/errc.hpp"

namespace quorate::mail::auth {
namespace {

constexpr std::size_t kPasswordMax = 1024;

bool equal(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

struct Scheme {
    std::string name;  // upper case, without encoding suffix
    std::string_view data;
    bool hex = false;
};

std::optional<Scheme> parse_scheme(std::string_view secret) {
    Scheme scheme;
    if (secret.starts_with('$')) {
        scheme.name = "CRYPT";
        scheme.data = secret;
        return scheme;
    }
    const auto close = secret.find('}');
    if (!secret.starts_with('{') || close == std::string_view::npos) {
        return std::nullopt;
    }
    scheme.name = to_upper(secret.substr(1, close - 1));
    scheme.data = secret.substr(close + 1);
    if (scheme.name.ends_with(".HEX")) {
        scheme.hex = true;
        scheme.name.resize(scheme.name.size() - 4);
    } else if (scheme.name.ends_with(".B64")) {
        scheme.name.resize(scheme.name.size() - 4);
    }
    return scheme;
}

bool is_crypt(std::string_view name) {
    return name == "CRYPT" || name == "SHA512-CRYPT" || name == "SHA256-CRYPT" ||
           name == "BLF-CRYPT" || name == "MD5-CRYPT";
}

struct Digest {
    std::string_view name;
    const EVP_MD* (*algorithm)();
    bool salted;
};
constexpr std::array<Digest, 7> kDigests = {{{"SHA", EVP_sha1, false},
                                             {"SHA1", EVP_sha1, false},
                                             {"SSHA", EVP_sha1, true},
                                             {"SHA256", EVP_sha256, false},
                                             {"SSHA256", EVP_sha256, true},
                                             {"SHA512", EVP_sha512, false},
                                             {"SSHA512", EVP_sha512, true}}};

const Digest* find_digest(std::string_view name) {
    for (const auto& digest : kDigests) {
        if (digest.name == name) {
            return &digest;
        }
    }
    return nullptr;
}

std::optional<std::string> decode_hex(std::string_view text) {
    const auto value = [](char c) {
        return c >= '0' && c <= '9' ? c - '0' : to_lower(c) - 'a' + 10;
    };
    if (text.size() % 2 != 0 ||
        text.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) {
        return std::nullopt;
    }
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        bytes.push_back(static_cast<char>(value(text[i]) * 16 + value(text[i + 1])));
    }
    return bytes;
}

// The digest, then the salt it was made with.
bool verify_digest(const Digest& digest, const Scheme& scheme, std::string_view password) {
    const auto bytes = scheme.hex ? decode_hex(scheme.data) : base64_decode(scheme.data);
    const auto size = static_cast<std::size_t>(EVP_MD_get_size(digest.algorithm()));
    if (!bytes || bytes->size() < size || (!digest.salted && bytes->size() != size)) {
        return false;
    }
    const std::string input = std::string(password) + bytes->substr(size);
    unsigned char made[EVP_MAX_MD_SIZE];
    unsigned made_size = 0;
    EVP_Digest(input.data(), input.size(), made, &made_size, digest.algorithm(), nullptr);
    return equal({reinterpret_cast<const char*>(made), made_size},
                 std::string_view(*bytes).substr(0, size));
}

std::optional<std::string> crypt_with(std::string_view password, std::string_view setting) {
    // 32 KiB of state: not for a worker's stack.
    const auto state = std::make_unique<crypt_data>();
    const char* hash =
        crypt_r(std::string(password).c_str(), std::string(setting).c_str(), state.get());
    if (hash == nullptr || hash[0] == '*') {
        return std::nullopt;
    }
    return std::string(hash);
}

bool verify_scram(const ScramSecret& scram, std::string_view password) {
    const auto made = parse_scram_secret(make_scram_secret(password, scram.salt, scram.iterations));
    return made && equal(made->stored_key, scram.stored_key);
}

bool hashable(std::string_view password) {
    return !password.empty() && password.size() <= kPasswordMax &&
           password.find('\0') == std::string_view::npos &&
           password.find('\n') == std::string_view::npos;
}

}  // namespace

bool is_known_secret(std::string_view secret) {
    const auto scheme = parse_scheme(secret);
    if (!scheme || scheme->data.empty() || secret.find('\n') != std::string_view::npos) {
        return false;
    }
    return is_crypt(scheme->name) || find_digest(scheme->name) != nullptr ||
           scheme->name == "PLAIN" || scheme->name == "CLEARTEXT" ||
           parse_scram_secret(secret).has_value();
}

bool verify_secret(std::string_view secret, std::string_view password) {
    const auto scheme = parse_scheme(secret);
    if (!scheme || !hashable(password)) {
        return false;
    }
    if (is_crypt(scheme->name)) {
        const auto made = crypt_with(password, scheme->data);
        return made && equal(*made, scheme->data);
    }
    if (const auto* digest = find_digest(scheme->name)) {
        return verify_digest(*digest, *scheme, password);
    }
    if (scheme->name == "PLAIN" || scheme->name == "CLEARTEXT") {
        return equal(scheme->data, password);
    }
    const auto scram = parse_scram_secret(secret);
    return scram && verify_scram(*scram, password);
}

Result<std::vector<std::string>> make_secrets(std::string_view password, HashCost cost) {
    if (is_known_secret(password)) {
        return std::vector<std::string>{std::string(password)};
    }
    if (!hashable(password)) {
        return fail(errc::bad_secret, "a password has 1 to 1024 octets, no NUL and no line end");
    }
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    if (crypt_gensalt_rn("$y$", cost.yescrypt, nullptr, 0, setting, sizeof(setting)) == nullptr) {
        return fail(errc::bad_secret, "crypt_gensalt");
    }
    const auto hash = crypt_with(password, setting);
    std::string salt(16, '\0');
    if (!hash || RAND_bytes(reinterpret_cast<unsigned char*>(salt.data()),
                            static_cast<int>(salt.size())) != 1) {
        return fail(errc::bad_secret, "the password could not be hashed");
    }
    return std::vector<std::string>{"{CRYPT}" + *hash,
                                    make_scram_secret(password, salt, cost.scram_iterations)};
}

}  // namespace quorate::mail::auth
