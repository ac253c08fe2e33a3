#include "words.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace quorate::shadowing::words {

std::optional<std::uint64_t> parse_hex(std::string_view text) {
    const bool digits = std::ranges::all_of(
        text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
    std::uint64_t number = 0;
    if (text.size() != 16 || !digits ||
        std::from_chars(text.data(), text.data() + text.size(), number, 16).ec != std::errc()) {
        return std::nullopt;
    }
    return number;
}

std::string opener(const ServedOpener& opener) {
    return fmt::format("{}.{:016x}.{:016x}", opener.member.node.value(),
                       opener.member.incarnation.value(), opener.process);
}

std::optional<ServedOpener> parse_opener(std::string_view text) {
    const auto words = split(text, '.');
    if (words.size() != 3) {
        return std::nullopt;
    }
    const auto node = parse_number<std::uint32_t>(words[0]);
    const auto incarnation = parse_hex(words[1]);
    const auto process = parse_hex(words[2]);
    if (!node || !incarnation || !process) {
        return std::nullopt;
    }
    return ServedOpener{{cluster::NodeId(*node), cluster::Incarnation(*incarnation)}, *process};
}

}  // namespace quorate::shadowing::words
