#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quorate {

// ASCII text helpers: protocols compare ASCII, never by locale.

char to_lower(char c);
char to_upper(char c);
std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);
bool iequals(std::string_view a, std::string_view b);
bool istarts_with(std::string_view text, std::string_view prefix);
// Without leading and trailing space, tab, CR and LF.
std::string_view trim(std::string_view text);
std::vector<std::string_view> split(std::string_view text, char separator);
// The whole text as a decimal number without sign; nothing if there is any other character or it
// overflows.
std::optional<std::uint64_t> parse_u64(std::string_view text);
bool is_valid_utf8(std::string_view text);
// For logs and people: printable ASCII stays, everything else becomes \xNN; at most `limit` input
// bytes, then "...".
std::string printable(std::string_view bytes, std::size_t limit = 200);

struct IEqual {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const { return iequals(a, b); }
};

// For unordered containers keyed by std::string and looked up by std::string_view.
struct StringHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
        return std::hash<std::string_view>{}(text);
    }
};

}  // namespace quorate
