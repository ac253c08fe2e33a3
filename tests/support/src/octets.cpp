#include "support/octets.hpp"

#include <fmt/core.h>

#include "base/text.hpp"

namespace quorate::support {
namespace {

constexpr std::size_t kOctetsMax = std::size_t{16} << 20;

void escape_one(unsigned char octet, std::string& out) {
    switch (octet) {
        case '\\':
            out += "\\\\";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            break;
    }
    if (octet >= 0x20 && octet < 0x7f) {
        out.push_back(static_cast<char>(octet));
    } else {
        out += fmt::format("\\x{:02x}", octet);
    }
}

std::optional<unsigned> hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return static_cast<unsigned>(c - '0');
    }
    const char lower = to_lower(c);
    if (lower >= 'a' && lower <= 'f') {
        return static_cast<unsigned>(lower - 'a' + 10);
    }
    return std::nullopt;
}

// The rest of \*N{text} after the star; moves `text` behind it.
std::optional<std::string> unescape_repeated(std::string_view& text) {
    const auto open = text.find('{');
    const auto close = text.find('}');
    if (open == text.npos || close == text.npos || close < open) {
        return std::nullopt;
    }
    const auto count = parse_u64(text.substr(0, open));
    const auto what = unescape_octets(text.substr(open + 1, close - open - 1));
    if (!count || !what || what->empty() || *count > kOctetsMax / what->size()) {
        return std::nullopt;
    }
    std::string out;
    for (std::uint64_t i = 0; i < *count; ++i) {
        out += *what;
    }
    text.remove_prefix(close + 1);
    return out;
}

// One escape, backslash already taken; moves `text` behind it.
std::optional<std::string> unescape_one(std::string_view& text) {
    const char kind = text.front();
    text.remove_prefix(1);
    switch (kind) {
        case '\\':
            return "\\";
        case 'r':
            return "\r";
        case 'n':
            return "\n";
        case 't':
            return "\t";
        case '*':
            return unescape_repeated(text);
        case 'x':
            break;
        default:
            return std::nullopt;
    }
    if (text.size() < 2 || !hex_digit(text[0]) || !hex_digit(text[1])) {
        return std::nullopt;
    }
    const auto octet = static_cast<char>(*hex_digit(text[0]) * 16 + *hex_digit(text[1]));
    text.remove_prefix(2);
    return std::string(1, octet);
}

}  // namespace

std::string escape_octets(std::string_view octets) {
    std::string out;
    for (const char c : octets) {
        escape_one(static_cast<unsigned char>(c), out);
    }
    if (out.ends_with(' ')) {
        out.replace(out.size() - 1, 1, "\\x20");
    }
    return out;
}

std::optional<std::string> unescape_octets(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const char c = text.front();
        text.remove_prefix(1);
        if (c != '\\') {
            out.push_back(c);
            continue;
        }
        auto octets = text.empty() ? std::nullopt : unescape_one(text);
        if (!octets) {
            return std::nullopt;
        }
        out += *octets;
    }
    return out;
}

std::string octets_as_lines(std::string_view lead, std::string_view octets) {
    std::string out;
    while (!octets.empty()) {
        const auto end = octets.find("\r\n");
        const auto text = escape_octets(octets.substr(0, end));
        out += lead;
        if (!text.empty()) {
            out += ' ';
            out += text;
        }
        if (end == octets.npos) {
            return out + "\\\n";
        }
        out += '\n';
        octets.remove_prefix(end + 2);
    }
    return out;
}

std::optional<std::string> line_as_octets(std::string_view text) {
    std::size_t slashes = 0;
    while (slashes < text.size() && text[text.size() - 1 - slashes] == '\\') {
        ++slashes;
    }
    if (slashes % 2 == 1) {
        return unescape_octets(text.substr(0, text.size() - 1));
    }
    auto octets = unescape_octets(text);
    if (octets) {
        *octets += "\r\n";
    }
    return octets;
}

}  // namespace quorate::support
