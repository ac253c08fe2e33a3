#include "envelope_date.hpp"

#include <string>

#include "base/text.hpp"

namespace quorate::mail::imap {
namespace {

std::string quoted_text(std::string_view rest) {
    std::string text;
    for (std::size_t i = 0; i < rest.size() && rest[i] != '"'; ++i) {
        if (rest[i] == '\\' && i + 1 < rest.size()) {
            ++i;
        }
        text.push_back(rest[i]);
    }
    return text;
}

std::string literal_text(std::string_view rest) {
    const auto end = rest.find("}\r\n");
    if (end == std::string_view::npos) {
        return {};
    }
    const auto size = parse_u64(rest.substr(0, end));
    return std::string(rest.substr(end + 3, static_cast<std::size_t>(size.value_or(0))));
}

}  // namespace

std::optional<message::Day> sent_day(std::string_view envelope) {
    if (envelope.size() < 2) {
        return std::nullopt;
    }
    const auto rest = envelope.substr(2);
    const char kind = envelope[1];
    const auto text = kind == '"'   ? quoted_text(rest)
                      : kind == '{' ? literal_text(rest)
                                    : std::string();
    const auto date = message::parse_rfc5322_date(text);
    return date ? std::optional(message::day_of(*date)) : std::nullopt;
}

}  // namespace quorate::mail::imap
