#pragma once

#include <array>
#include <cstdint>

// Character classes of the formal grammar (RFC 3501 9).
namespace quorate::mail::imap {

enum CharClass : std::uint8_t {
    kAtomChar = 1,     // ATOM-CHAR: printable, without ( ) { SP % * " \ ]
    kAstringChar = 2,  // ASTRING-CHAR: ATOM-CHAR and ]
    kListChar = 4,     // list-char: ATOM-CHAR, % * ]
    kTagChar = 8,      // tag: ASTRING-CHAR without +
    kTextChar = 16,    // TEXT-CHAR: US-ASCII without NUL, CR, LF
    kDigit = 32,
};

namespace detail {
constexpr std::array<std::uint8_t, 256> make_char_classes() {
    std::array<std::uint8_t, 256> table{};
    for (unsigned c = 1; c < 0x80; ++c) {
        const auto is = [&](char other) { return c == static_cast<unsigned char>(other); };
        const bool wildcard = is('%') || is('*');
        const bool special = is('(') || is(')') || is('{') || is('"') || is('\\') || c <= 0x20 ||
                             c == 0x7f || wildcard || is(']');
        unsigned classes = 0;
        if (!is('\r') && !is('\n')) {
            classes |= kTextChar;
        }
        if (!special) {
            classes |= kAtomChar | kAstringChar | kListChar;
        }
        if (is(']')) {
            classes |= kAstringChar | kListChar;
        }
        if (wildcard) {
            classes |= kListChar;
        }
        if ((classes & kAstringChar) != 0 && !is('+')) {
            classes |= kTagChar;
        }
        if (c >= '0' && c <= '9') {
            classes |= kDigit;
        }
        table[c] = static_cast<std::uint8_t>(classes);
    }
    return table;
}
inline constexpr auto kCharClasses = make_char_classes();
}  // namespace detail

inline bool is_class(char c, CharClass wanted) {
    return (detail::kCharClasses[static_cast<unsigned char>(c)] & wanted) != 0;
}
inline bool is_atom_char(char c) { return is_class(c, kAtomChar); }
inline bool is_astring_char(char c) { return is_class(c, kAstringChar); }
inline bool is_list_char(char c) { return is_class(c, kListChar); }
inline bool is_tag_char(char c) { return is_class(c, kTagChar); }
inline bool is_text_char(char c) { return is_class(c, kTextChar); }
inline bool is_digit(char c) { return is_class(c, kDigit); }

}  // namespace quorate::mail::imap
