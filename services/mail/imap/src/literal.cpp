#include "literal.hpp"

#include <limits>

#include "atoms.hpp"

namespace quorate::mail::imap {

std::optional<LiteralHeader> literal_at_end(std::string_view line) {
    if (line.empty() || line.back() != '}') {
        return std::nullopt;
    }
    std::size_t end = line.size() - 1;
    LiteralHeader header;
    if (end > 0 && line[end - 1] == '+') {
        header.synchronizing = false;
        --end;
    }
    std::size_t begin = end;
    while (begin > 0 && is_digit(line[begin - 1])) {
        --begin;
    }
    if (begin == end || begin == 0 || line[begin - 1] != '{') {
        return std::nullopt;
    }
    header.begin = begin - 1;
    constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
    for (; begin < end; ++begin) {
        const auto digit = static_cast<unsigned>(line[begin] - '0');
        header.size = header.size > (kMax - digit) / 10 ? kMax : header.size * 10 + digit;
    }
    return header;
}

std::string_view without_cr(std::string_view line) {
    if (!line.empty() && line.back() == '\r') {
        line.remove_suffix(1);
    }
    return line;
}

}  // namespace quorate::mail::imap
