#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

// How a literal is announced (RFC 3501 4.3, RFC 7888). One place says what counts as an
// announcement, because the reader that frames commands and the lexer must never disagree: octets
// that one takes for data and the other for a command would be an injection.
namespace quorate::mail::imap {

struct LiteralHeader {
    std::size_t begin = 0;      // of "{" in the line
    std::uint64_t size = 0;     // octets; what does not fit is 2^64 - 1
    bool synchronizing = true;  // the client waits for "+"; false: "{n+}"
};

// The announcement at the end of a line, which is given without its line end.
std::optional<LiteralHeader> literal_at_end(std::string_view line);

// The line without CR at its end: lines are cut at LF.
std::string_view without_cr(std::string_view line);

}  // namespace quorate::mail::imap
