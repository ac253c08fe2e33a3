#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/text.hpp"

// Reading structured field values (RFC 5322 3.2, RFC 2045 5.1): white space, comments, quoted
// strings.
namespace quorate::mail::message {

// A position in an unfolded value. Nothing here fails; what is cut short ends at the end.
class Lexer {
public:
    explicit Lexer(std::string_view text) : text_(text) {}

    bool at_end() const { return at_ >= text_.size(); }
    char peek() const { return at_end() ? '\0' : text_[at_]; }
    bool is(char c) const { return !at_end() && text_[at_] == c; }
    bool take(char c) {
        if (!is(c)) {
            return false;
        }
        ++at_;
        return true;
    }
    void advance() { ++at_; }
    std::size_t at() const { return at_; }
    std::string_view rest() const { return text_.substr(at_); }
    std::string_view from(std::size_t begin) const { return text_.substr(begin, at_ - begin); }
    void seek(std::size_t at) { at_ = at; }

    // White space and comments. True when there was any.
    bool skip_cfws() {
        const auto begin = at_;
        for (;;) {
            if (is(' ') || is('\t') || is('\r') || is('\n')) {
                ++at_;
            } else if (is('(')) {
                comment();
            } else {
                return at_ != begin;
            }
        }
    }

    // At '(': the comment's text, inner comments with their parentheses, quoted pairs resolved.
    std::string comment() {
        std::string out;
        std::size_t depth = 1;
        for (++at_; !at_end(); ++at_) {
            char c = text_[at_];
            if (c == '\\' && at_ + 1 < text_.size()) {
                out.push_back(text_[++at_]);
                continue;
            }
            if (c == '(') {
                ++depth;
            } else if (c == ')' && --depth == 0) {
                ++at_;
                break;
            }
            out.push_back(c);
        }
        return std::string(trim(out));
    }

    // At '"': whether the quoted string ends.
    bool quote_is_closed() const {
        for (std::size_t i = at_ + 1; i < text_.size(); ++i) {
            if (text_[i] == '\\') {
                ++i;
            } else if (text_[i] == '"') {
                return true;
            }
        }
        return false;
    }

    // At '"': the text, quoted pairs resolved; without closing quote, all that is left.
    std::string quoted_string() {
        std::string out;
        for (++at_; !at_end(); ++at_) {
            char c = text_[at_];
            if (c == '"') {
                ++at_;
                break;
            }
            if (c == '\\' && at_ + 1 < text_.size()) {
                c = text_[++at_];
            }
            out.push_back(c);
        }
        return out;
    }

    // The characters up to white space or one of `stops`.
    std::string_view word(std::string_view stops) {
        const auto begin = at_;
        while (!at_end() && !is(' ') && !is('\t') && !is('\r') && !is('\n') &&
               stops.find(text_[at_]) == std::string_view::npos) {
            ++at_;
        }
        return from(begin);
    }

private:
    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace quorate::mail::message
