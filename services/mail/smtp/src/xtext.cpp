#include "xtext.hpp"

namespace quorate::mail::smtp {
namespace {

// -1: no upper-case hexadecimal digit.
int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace

std::optional<std::string> decode_xtext(std::string_view text) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c != '+') {
            if (c < '!' || c > '~' || c == '=') {
                return std::nullopt;
            }
            decoded.push_back(c);
            continue;
        }
        if (text.size() - i < 3) {
            return std::nullopt;
        }
        const int high = hex_value(text[i + 1]);
        const int low = hex_value(text[i + 2]);
        if (high < 0 || low < 0) {
            return std::nullopt;
        }
        decoded.push_back(static_cast<char>(high * 16 + low));
        i += 2;
    }
    return decoded;
}

}  // namespace quorate::mail::smtp
