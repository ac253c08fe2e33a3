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

constexpr std::size_t kPasswordMax = CRYPT_MAX_PASSPHRASE_SIZE - 1;

bool equal(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

enum class Encoding { kNone, kHex, kBase64 };

struct Scheme {
    std::string name;  // upper case, without encoding suffix
    std::string_view data;
    Encoding encoding = Encoding::kNone;  // as the suffix says
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
        scheme.encoding = Encoding::kHex;
    } else if (scheme.name.ends_with(".B64")) {
        scheme.encoding = Encoding::kBase64;
    }
    if (scheme.encoding != Encoding::kNone) {
        scheme.name.resize(scheme.name.size() - 4);
    }
    return scheme;
}

bool is_plain(std::string_view name) { return name == "PLAIN" || name == "CLEARTEXT"; }

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

std::optional<std::string> decode(Encoding encoding, std::string_view data) {
    switch (encoding) {
        case Encoding::kHex:
            return decode_hex(data);
        case Encoding::kBase64:
            return base64_decode(data);
        case Encoding::kNone:
            break;
    }
    return std::string(data);
}

// The digest, then the salt it was made with. Without suffix it is base64, or hexadecimal if it has
// the length for that.
std::optional<std::string> digest_octets(const Digest& digest, const Scheme& scheme) {
    const auto size = static_cast<std::size_t>(EVP_MD_get_size(digest.algorithm()));
    auto encoding = scheme.encoding;
    if (encoding == Encoding::kNone) {
        const bool hex = !digest.salted && scheme.data.size() == 2 * size;
        encoding = hex ? Encoding::kHex : Encoding::kBase64;
    }
    auto bytes = decode(encoding, scheme.data);
    const bool fits = bytes && (digest.salted ? bytes->size() > size : bytes->size() == size);
    return fits ? bytes : std::nullopt;
}

bool verify_digest(const Digest& digest, const Scheme& scheme, std::string_view password) {
    const auto bytes = digest_octets(digest, scheme);
    if (!bytes) {
        return false;
    }
    const auto size = static_cast<std::size_t>(EVP_MD_get_size(digest.algorithm()));
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

bool verify_crypt(std::string_view hash, std::string_view password) {
    const auto made = crypt_with(password, hash);
    return made && equal(*made, hash);
}

// A whole hash of a method that crypt(3) knows, not something that only begins like one.
bool is_crypt_hash(const std::string& hash) {
    const int setting = crypt_checksalt(hash.c_str());
    if (setting == CRYPT_SALT_INVALID || setting == CRYPT_SALT_METHOD_DISABLED) {
        return false;
    }
    const auto made = crypt_with("x", hash);
    return made && made->size() == hash.size();
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
    if (!scheme || secret.find_first_of(std::string_view("\n\0", 2)) != std::string_view::npos) {
        return false;
    }
    if (const auto* digest = find_digest(scheme->name)) {
        return digest_octets(*digest, *scheme).has_value();
    }
    const auto data = decode(scheme->encoding, scheme->data);
    if (!data || data->empty()) {
        return false;
    }
    return (is_crypt(scheme->name) && is_crypt_hash(*data)) || is_plain(scheme->name) ||
           parse_scram_secret(secret).has_value();
}

bool is_slow_secret(std::string_view secret) {
    const auto scheme = parse_scheme(secret);
    return scheme && is_crypt(scheme->name);
}

bool verify_secret(std::string_view secret, std::string_view password) {
    const auto scheme = parse_scheme(secret);
    if (!scheme || !hashable(password)) {
        return false;
    }
    if (const auto* digest = find_digest(scheme->name)) {
        return verify_digest(*digest, *scheme, password);
    }
    if (is_crypt(scheme->name) || is_plain(scheme->name)) {
        const auto data = decode(scheme->encoding, scheme->data);
        return data &&
               (is_plain(scheme->name) ? equal(*data, password) : verify_crypt(*data, password));
    }
    const auto scram = parse_scram_secret(secret);
    return scram && verify_scram(*scram, password);
}

Result<std::vector<std::string>> make_secrets(std::string_view password, HashCost cost) {
    if (is_known_secret(password)) {
        return std::vector<std::string>{std::string(password)};
    }
    if (!hashable(password)) {
        return fail(errc::bad_secret, "a password has 1 to 511 octets, no NUL and no line end");
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
