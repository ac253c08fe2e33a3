#include "domain.hpp"

#include <algorithm>
#include <optional>

#include "base/text.hpp"

namespace quorate::mail::smtp {
namespace {

constexpr std::size_t kDomainMax = 255;
constexpr std::size_t kLabelMax = 63;
constexpr std::size_t kIpv6Groups = 8;
constexpr std::size_t kIpv4Groups = 2;  // what a dotted quad stands for in an IPv6 address

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'f'); }

bool is_label_octet(char c) {
    return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '-' || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
}

bool is_label(std::string_view label) {
    return !label.empty() && label.size() <= kLabelMax && label.front() != '-' &&
           label.back() != '-' && std::all_of(label.begin(), label.end(), is_label_octet);
}

// The number of 16-bit groups in one side of an IPv6 address; nothing if it is malformed.
std::optional<std::size_t> count_groups(std::string_view side, bool quad_allowed) {
    if (side.empty()) {
        return 0;
    }
    const auto parts = split(side, ':');
    std::size_t count = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (quad_allowed && i + 1 == parts.size() && is_ipv4(parts[i])) {
            count += kIpv4Groups;
        } else if (!parts[i].empty() && parts[i].size() <= 4 &&
                   std::all_of(parts[i].begin(), parts[i].end(), is_hex)) {
            ++count;
        } else {
            return std::nullopt;
        }
    }
    return count;
}

}  // namespace

bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_domain(std::string_view text) {
    if (text.empty() || text.size() > kDomainMax || !is_valid_utf8(text)) {
        return false;
    }
    const auto labels = split(text, '.');
    return std::all_of(labels.begin(), labels.end(), is_label);
}

bool is_ipv4(std::string_view text) {
    const auto parts = split(text, '.');
    return parts.size() == 4 && std::all_of(parts.begin(), parts.end(), [](std::string_view part) {
               const auto value = parse_u64(part);
               return part.size() <= 3 && value && *value <= 255;
           });
}

bool is_ipv6(std::string_view text) {
    const auto gap = text.find("::");
    if (gap == std::string_view::npos) {
        return count_groups(text, /*quad_allowed=*/true) == kIpv6Groups;
    }
    const auto before = count_groups(text.substr(0, gap), /*quad_allowed=*/false);
    const auto after = count_groups(text.substr(gap + 2), /*quad_allowed=*/true);
    return before && after && *before + *after < kIpv6Groups;
}

bool is_address_literal(std::string_view text) {
    constexpr std::string_view kIpv6Tag = "IPv6:";
    if (text.size() < 2 || text.front() != '[' || text.back() != ']') {
        return false;
    }
    const auto inner = text.substr(1, text.size() - 2);
    if (istarts_with(inner, kIpv6Tag)) {
        return is_ipv6(inner.substr(kIpv6Tag.size()));
    }
    return is_ipv4(inner);
}

}  // namespace quorate::mail::smtp
