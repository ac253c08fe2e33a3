#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "literal.hpp"

namespace quorate::mail::imap {

// Why a command was not understood (BAD) or cannot be done whatever the mailbox holds (NO).
struct Failure {
    bool no = false;
    std::string_view code;  // response code with NO; may be empty
    std::string_view what;  // static text
    std::size_t octet = 0;  // of the command, the first is 1
};

// Reads the tokens of one command (RFC 3501 9). Every method returns whether it found what it is
// called for and else records a failure, so that a command reads like its rule in the grammar:
//
//     lexer.space() && lexer.mailbox(select.mailbox) && lexer.end()
//
// The first failure counts. Text is the command, its literals included, without the final line
// end. Tolerated beyond the grammar: octets above 127 in quoted strings (passwords and search texts
// of many clients).
class Lexer {
public:
    explicit Lexer(std::string_view text) : text_(text) {}

    bool fail(std::string_view what) { return fail_at(at_, what); }
    bool fail_at(std::size_t at, std::string_view what);
    bool refuse(std::string_view code, std::string_view what);
    const std::optional<Failure>& failure() const { return failure_; }
    // The text ended behind the announcement of a literal, at a place where one may stand.
    bool wants_literal() const { return wants_literal_; }

    std::size_t at() const { return at_; }
    // Back to where at() was before.
    void seek(std::size_t at) { at_ = at; }
    std::string_view rest() const { return text_.substr(at_); }
    bool at_end() const { return at_ == text_.size(); }
    char peek() const { return at_end() ? '\0' : text_[at_]; }
    // Takes the character if it is the next. No failure.
    bool take(char c);

    bool expect(char c, std::string_view what);
    bool space() { return expect(' ', "space expected"); }
    bool end();

    bool tag(std::string_view& out);
    bool atom(std::string_view& out);
    bool number(std::uint32_t& out);
    bool nonzero_number(std::uint32_t& out);
    bool string(std::string& out);
    bool astring(std::string& out);
    // nstring; NIL gives the empty text.
    bool nstring(std::string& out);
    // 1*list-char or string.
    bool list_pattern(std::string& out);
    // Letters, digits and dots, as names of items are made of; maybe none. No failure.
    std::string_view name();
    // Up to the next space or the end. No failure.
    std::string_view word();
    // The announcement of the literal that must end the text.
    bool literal_header(LiteralHeader& out);

    // mailbox: decoded from modified UTF-7, INBOX in capitals.
    bool mailbox(std::string& out);
    // The same of a text that was read already.
    bool decode_mailbox(std::string& name);

private:
    template <class Predicate>
    std::string_view run(Predicate belongs);
    bool quoted(std::string& out);
    bool literal(std::string& out);

    std::string_view text_;
    std::size_t at_ = 0;
    std::optional<Failure> failure_;
    bool wants_literal_ = false;
};

}  // namespace quorate::mail::imap
