#include "mail/message/wire.hpp"

#include <algorithm>

namespace quorate::mail::message {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

bool is_odd(char c) {
    return c == '\0' || c == '\r' || c == '\n' || static_cast<unsigned char>(c) >= 0x80;
}

std::string sanitized(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        if (c == '\0') {
            out.append(kReplacement);
        } else {
            out.push_back(c == '\r' || c == '\n' ? ' ' : c);
        }
    }
    return out;
}

}  // namespace

void append_quoted(std::string& out, std::string_view text) {
    out.push_back('"');
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out.push_back('\\');
        }
        out.push_back(c);
    }
    out.push_back('"');
}

void append_string(std::string& out, std::string_view text) {
    if (std::none_of(text.begin(), text.end(), is_odd)) {
        append_quoted(out, text);
        return;
    }
    const std::string clean = sanitized(text);
    if (std::none_of(clean.begin(), clean.end(), is_odd)) {
        append_quoted(out, clean);
        return;
    }
    out.append("{").append(std::to_string(clean.size())).append("}\r\n").append(clean);
}

}  // namespace quorate::mail::message
