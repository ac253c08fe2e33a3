#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace quorate::mail::pop3 {

// RFC 2449 4, CRLF included.
inline constexpr std::size_t kCommandLineMax = 255;
// A SASL response, and AUTH with an initial one (RFC 4954 4 gives the figure, POP3 none).
inline constexpr std::size_t kSaslLineMax = 12'288;

enum class Verb {
    kUnknown,
    kApop,
    kAuth,
    kCapa,
    kDele,
    kList,
    kNoop,
    kPass,
    kQuit,
    kRetr,
    kRset,
    kStat,
    kStls,
    kTop,
    kUidl,
    kUser,
};

// One line without its end. Views point into the line.
struct Command {
    Verb verb = Verb::kUnknown;
    bool well_formed = false;   // no control characters
    std::string_view argument;  // all behind the first space

    // Without argument; spaces at the end are no argument.
    bool bare() const { return argument.find_first_not_of(' ') == argument.npos; }
};

Command parse_command(std::string_view line);

// The words of an argument, one space between them, spaces at the end ignored; nothing when there
// is more between them. No word: an empty list.
std::optional<std::vector<std::string_view>> words_of(std::string_view argument);

// Exactly `count` numbers without sign; nothing otherwise. Numbers beyond 64 bits: the largest one.
std::optional<std::vector<std::uint64_t>> numbers_of(std::string_view argument, std::size_t count);

}  // namespace quorate::mail::pop3
