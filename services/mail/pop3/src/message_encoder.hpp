#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace quorate::mail::pop3 {

// A message as a multi-line response (RFC 1939 3), from pieces of any size: every line ends in
// CRLF, a line that begins with a dot gets another one, a line end is added when the message does
// not end in one, and the dot that ends the response follows. Stored line feeds without carriage
// return become line ends too (RFC 1939 11): clients take them for such, and one that stood before
// a dot would end the response early.
class MessageEncoder {
public:
    // With `body_lines`, as TOP wants it: the header, the blank line, and so many lines of the
    // body.
    explicit MessageEncoder(std::optional<std::uint64_t> body_lines = std::nullopt)
        : lines_left_(body_lines) {}

    void feed(std::string_view bytes, std::string& out);
    // TOP has all it asked for: what follows would be ignored.
    bool satisfied() const { return in_body_ && lines_left_ == 0U; }
    void finish(std::string& out);

private:
    void add_to_line(std::string_view bytes, std::string& out);
    void end_line(std::string& out);

    std::optional<std::uint64_t> lines_left_;
    bool in_body_ = false;
    bool at_start_ = true;  // of a line
    bool only_cr_ = false;  // the line is a carriage return so far
    bool ends_in_cr_ = false;
};

}  // namespace quorate::mail::pop3
