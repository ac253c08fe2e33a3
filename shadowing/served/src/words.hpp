#pragma once

#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "shadowing/served/export_name.hpp"

// Words that the texts of a served disk are made of.
namespace quorate::shadowing::words {

// Exactly 16 lower-case hexadecimal digits.
std::optional<std::uint64_t> parse_hex(std::string_view text);

// Decimal, as it is written: no leading zero.
template <class Number>
std::optional<Number> parse_number(std::string_view text) {
    const auto number = parse_u64(text);
    if (!number || *number > std::numeric_limits<Number>::max() ||
        (text.size() > 1 && text.front() == '0')) {
        return std::nullopt;
    }
    return static_cast<Number>(*number);
}

// NODE.INCARNATION.PROCESS
std::string opener(const ServedOpener& opener);
std::optional<ServedOpener> parse_opener(std::string_view text);

}  // namespace quorate::shadowing::words
