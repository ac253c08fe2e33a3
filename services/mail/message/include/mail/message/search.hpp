#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "mail/message/structure.hpp"

// Substring search as IMAP SEARCH defines it (RFC 3501 6.4.4), comparing like i;unicode-casemap
// (RFC 5051): case folded and decomposed.
namespace quorate::mail::message {

// What is looked for, prepared once per command. An immutable value.
class Needle {
public:
    explicit Needle(std::string_view utf8);

    // The empty text is in everything.
    bool in(std::string_view utf8) const;
    const std::string& folded() const { return folded_; }

private:
    std::string folded_;
};

// A Needle in text that comes in pieces of valid UTF-8, cut anywhere. Keeps one needle's length of
// text. One caller; the needle outlives it.
class StreamMatcher {
public:
    explicit StreamMatcher(const Needle& needle) : needle_(needle) {}

    // True once the needle was found; then further pieces are not looked at.
    bool feed(std::string_view utf8);
    bool finish();

private:
    bool scan(std::string_view utf8);

    const Needle& needle_;
    std::string folded_;  // the end of what was seen, folded
    std::string raw_;     // UTF-8 not folded yet: it may combine with what follows
    bool found_ = false;
};

// Octets [offset, offset + size) of the message, cut at its end.
using ReadMessage = std::function<Result<std::string>(std::uint64_t offset, std::uint64_t size)>;

// SEARCH HEADER name text (SUBJECT, FROM, ... are these): any field of this name in the block whose
// decoded value contains the needle; an empty needle finds any field of the name.
bool match_field(std::string_view header, std::string_view name, const Needle& needle);

// SEARCH BODY: the decoded text/* parts, and the headers and text of encapsulated messages.
// SEARCH TEXT: the same and every header of the message. Reads no more than it needs, in pieces.
// Errors are the reader's.
enum class SearchScope { kBody, kText };
Result<bool> match_message(const Structure& structure, const ReadMessage& read, SearchScope scope,
                           const Needle& needle);

}  // namespace quorate::mail::message
