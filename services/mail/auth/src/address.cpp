#include "mail/auth/address.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include <unicode/uidna.h>

#include "base/text.hpp"

namespace quorate::mail::auth {
namespace {

constexpr std::size_t kLocalMax = 64;
constexpr std::size_t kDomainMax = 255;
constexpr std::size_t kLabelMax = 63;

bool label_ok(std::string_view label) {
    return !label.empty() && label.size() <= kLabelMax && label.front() != '-' &&
           label.back() != '-' && std::all_of(label.begin(), label.end(), [](char c) {
               const auto byte = static_cast<unsigned char>(c);
               return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || byte == '-';
           });
}

// Has labels in one of the two forms that IDNA gives them. All other names need no ICU.
bool is_international(std::string_view lower) {
    return lower.find("xn--") != std::string_view::npos ||
           std::any_of(lower.begin(), lower.end(),
                       [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

// Both forms of each label in, A-labels out.
std::optional<std::string> to_a_labels(std::string_view domain) {
    constexpr std::uint32_t kOptions = UIDNA_NONTRANSITIONAL_TO_ASCII | UIDNA_CHECK_BIDI |
                                       UIDNA_CHECK_CONTEXTJ | UIDNA_USE_STD3_RULES;
    UErrorCode error = U_ZERO_ERROR;
    // Never closed; ICU lets any thread use it.
    static const UIDNA* const kIdna = uidna_openUTS46(kOptions, &error);
    if (kIdna == nullptr) {
        return std::nullopt;
    }
    std::array<char, kDomainMax + 1> ascii{};
    UIDNAInfo info = UIDNA_INFO_INITIALIZER;
    const auto size = uidna_nameToASCII_UTF8(
        kIdna, domain.data(), static_cast<std::int32_t>(domain.size()), ascii.data(),
        static_cast<std::int32_t>(ascii.size()), &info, &error);
    if (U_FAILURE(error) || info.errors != 0) {
        return std::nullopt;
    }
    return std::string(ascii.data(), static_cast<std::size_t>(size));
}

// Contents of a quoted local part, quoted pairs resolved.
std::optional<std::string> unquote(std::string_view text) {
    if (text.size() < 2 || text.back() != '"') {
        return std::nullopt;
    }
    std::string plain;
    text = text.substr(1, text.size() - 2);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '"' || (text[i] == '\\' && ++i == text.size())) {
            return std::nullopt;
        }
        plain.push_back(text[i]);
    }
    return plain;
}

}  // namespace

std::string SplitAddress::key() const { return to_lower(local) + "@" + domain; }

std::optional<std::string> canonical_domain(std::string_view name) {
    std::optional<std::string> canonical = to_lower(name);
    if (canonical->empty() || canonical->size() > kDomainMax || !is_valid_utf8(*canonical)) {
        return std::nullopt;
    }
    if (is_international(*canonical)) {
        canonical = to_a_labels(*canonical);
    }
    if (!canonical || canonical->size() > kDomainMax) {
        return std::nullopt;
    }
    for (const auto label : split(*canonical, '.')) {
        if (!label_ok(label)) {
            return std::nullopt;
        }
    }
    return canonical;
}

std::optional<std::string> full_address(std::string_view name, std::string_view default_domain) {
    if (name.find('@') != std::string_view::npos) {
        return std::string(name);
    }
    if (default_domain.empty()) {
        return std::nullopt;
    }
    return std::string(name) + "@" + std::string(default_domain);
}

std::optional<SplitAddress> split_address(std::string_view address) {
    const auto at = address.rfind('@');
    if (at == std::string_view::npos) {
        return std::nullopt;
    }
    auto domain = canonical_domain(address.substr(at + 1));
    std::optional<std::string> local(address.substr(0, at));
    if (local->starts_with('"')) {
        local = unquote(*local);
    }
    if (!domain || !local || local->empty() || local->size() > kLocalMax ||
        !is_valid_utf8(*local)) {
        return std::nullopt;
    }
    const bool printable_only = std::all_of(local->begin(), local->end(), [](char c) {
        return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
    });
    if (!printable_only) {
        return std::nullopt;
    }
    return SplitAddress{std::move(*local), std::move(*domain)};
}

}  // namespace quorate::mail::auth
