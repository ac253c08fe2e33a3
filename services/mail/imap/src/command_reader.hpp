#pragma once

#include <cstddef>
#include <string_view>

#include "literal.hpp"

namespace quorate::mail::imap {

// Frames commands: finds where a command ends, its literals included, without looking at what it
// says. It keeps offsets only; the octets stay with the caller, who passes everything from the
// first octet of the command at each call and, until it restarts the reader, only ever adds to it.
// Each octet is looked at once, however it was cut.
class CommandReader {
public:
    enum class Event {
        kMore,     // not yet whole
        kCommand,  // whole: size() octets with the final line end
        kLiteral,  // a literal is announced, size() octets so far: accept_literal() or restart()
        kTooLong,  // more octets than `limit` without an end: restart()
    };
    Event next(std::string_view text, std::size_t limit);

    std::size_t size() const { return at_; }
    // Where the line that is being read begins: what is left of a command that was given up.
    std::size_t line_begin() const { return line_; }
    const LiteralHeader& literal() const { return literal_; }
    // The next literal().size octets belong to the command. The caller has checked the limit.
    void accept_literal();
    bool in_literal() const { return literal_end_ > 0; }
    void restart() { *this = CommandReader(); }

private:
    std::size_t line_ = 0;         // begin of the current line
    std::size_t at_ = 0;           // looked at so far
    std::size_t literal_end_ = 0;  // 0: in a line
    LiteralHeader literal_;
};

}  // namespace quorate::mail::imap
