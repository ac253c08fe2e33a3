#include "lexer.hpp"

#include "atoms.hpp"
#include "base/text.hpp"
#include "mailbox_name.hpp"

namespace quorate::mail::imap {
namespace {

constexpr std::size_t kTagBytesMax = 255;

}  // namespace

bool Lexer::fail_at(std::size_t at, std::string_view what) {
    if (!failure_) {
        failure_ = Failure{/*no=*/false, {}, what, at + 1};
    }
    return false;
}

bool Lexer::refuse(std::string_view code, std::string_view what) {
    if (!failure_) {
        failure_ = Failure{/*no=*/true, code, what, at_ + 1};
    }
    return false;
}

bool Lexer::take(char c) {
    if (at_end() || text_[at_] != c) {
        return false;
    }
    ++at_;
    return true;
}

bool Lexer::expect(char c, std::string_view what) { return take(c) || fail(what); }

bool Lexer::end() { return at_end() || fail("end of the command expected"); }

template <class Predicate>
std::string_view Lexer::run(Predicate belongs) {
    const auto begin = at_;
    while (at_ < text_.size() && belongs(text_[at_])) {
        ++at_;
    }
    return text_.substr(begin, at_ - begin);
}

bool Lexer::tag(std::string_view& out) {
    out = run(is_tag_char);
    if (out.size() > kTagBytesMax) {
        return fail_at(0, "tag longer than 255 octets");
    }
    return !out.empty() || fail("tag expected");
}

bool Lexer::atom(std::string_view& out) {
    out = run(is_atom_char);
    return !out.empty() || fail("atom expected");
}

bool Lexer::number(std::uint32_t& out) {
    const auto begin = at_;
    const auto value = parse_u64(run(is_digit));
    if (begin == at_) {
        return fail("number expected");
    }
    if (!value || *value > UINT32_MAX) {
        return fail_at(begin, "number above 4294967295");
    }
    out = static_cast<std::uint32_t>(*value);
    return true;
}

bool Lexer::nonzero_number(std::uint32_t& out) {
    const auto begin = at_;
    return number(out) && (out != 0 || fail_at(begin, "number above zero expected"));
}

bool Lexer::quoted(std::string& out) {
    ++at_;
    out.clear();
    for (;;) {
        const auto plain = run(
            [](char c) { return c != '"' && c != '\\' && c != '\r' && c != '\n' && c != '\0'; });
        out.append(plain);
        if (take('"')) {
            return true;
        }
        if (!take('\\')) {
            return fail("quoted string does not end");
        }
        if (peek() != '"' && peek() != '\\') {
            return fail("only \\\" and \\\\ may be quoted");
        }
        out.push_back(text_[at_++]);
    }
}

bool Lexer::literal_header(LiteralHeader& out) {
    const auto line_end = text_.find('\n', at_);
    if (peek() != '{' || line_end == std::string_view::npos) {
        return fail("literal expected");
    }
    const auto header = literal_at_end(without_cr(text_.substr(at_, line_end - at_)));
    if (!header || header->begin != 0) {
        return fail("literal expected");
    }
    out = *header;
    at_ = line_end + 1;
    return true;
}

bool Lexer::literal(std::string& out) {
    LiteralHeader header;
    if (!literal_header(header)) {
        return false;
    }
    const auto octets = text_.substr(at_);
    if (octets.size() < header.size) {
        wants_literal_ = octets.empty();
        return fail("literal is cut short");
    }
    out = octets.substr(0, static_cast<std::size_t>(header.size));
    if (const auto nul = out.find('\0'); nul != std::string::npos) {
        return fail_at(at_ + nul, "NUL octet in a literal");
    }
    at_ += out.size();
    return true;
}

bool Lexer::string(std::string& out) {
    if (peek() == '"') {
        return quoted(out);
    }
    return peek() == '{' ? literal(out) : fail("string expected");
}

bool Lexer::astring(std::string& out) {
    out = run(is_astring_char);
    if (!out.empty()) {
        return true;
    }
    return peek() == '"' || peek() == '{' ? string(out) : fail("atom or string expected");
}

bool Lexer::nstring(std::string& out) {
    if (peek() == '"' || peek() == '{') {
        return string(out);
    }
    const auto begin = at_;
    out.clear();
    return iequals(run(is_atom_char), "NIL") || fail_at(begin, "string or NIL expected");
}

bool Lexer::list_pattern(std::string& out) {
    out = run(is_list_char);
    if (!out.empty()) {
        return true;
    }
    return peek() == '"' || peek() == '{' ? string(out) : fail("pattern expected");
}

std::string_view Lexer::name() {
    return run([](char c) {
        return is_digit(c) || c == '.' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    });
}

std::string_view Lexer::word() {
    return run([](char c) { return c != ' '; });
}

bool Lexer::decode_mailbox(std::string& name) {
    auto decoded = decode_mailbox_name(name);
    if (!decoded) {
        return refuse("CANNOT", "mailbox name is not valid modified UTF-7");
    }
    name = std::move(*decoded);
    return true;
}

bool Lexer::mailbox(std::string& out) {
    if (!astring(out)) {
        return false;
    }
    if (iequals(out, "INBOX")) {
        out = "INBOX";
        return true;
    }
    return decode_mailbox(out);
}

}  // namespace quorate::mail::imap
