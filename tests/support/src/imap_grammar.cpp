#include "support/imap_grammar.hpp"

#include <array>
#include <cctype>
#include <cstdint>
#include <initializer_list>

#include "base/text.hpp"
#include "support/octets.hpp"

namespace quorate::support {
namespace {

struct Mismatch {
    std::size_t offset;
    std::string expected;
};

bool is_atom_char(char c) {
    return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f &&
           std::string_view("(){%*\"\\]").find(c) == std::string_view::npos;
}

class Reader {
public:
    explicit Reader(std::string_view text) : text_(text) {}

    bool at_end() const { return at_ == text_.size(); }
    std::size_t offset() const { return at_; }
    char peek() const { return at_end() ? '\0' : text_[at_]; }
    bool sees(std::string_view word) const { return iequals(text_.substr(at_, word.size()), word); }
    bool accept(std::string_view word) {
        if (!sees(word)) {
            return false;
        }
        at_ += word.size();
        return true;
    }
    void expect(std::string_view word) {
        if (!accept(word)) {
            fail(std::string(word));
        }
    }
    [[noreturn]] void fail(std::string expected) const { throw Mismatch{at_, std::move(expected)}; }

    std::string_view atom() {
        const auto begin = at_;
        while (!at_end() && is_atom_char(peek())) {
            ++at_;
        }
        if (at_ == begin) {
            fail("atom");
        }
        return text_.substr(begin, at_ - begin);
    }
    std::uint64_t number(std::uint64_t lowest = 0) {
        const auto begin = at_;
        while (peek() >= '0' && peek() <= '9') {
            ++at_;
        }
        const auto value = parse_u64(text_.substr(begin, at_ - begin));
        if (!value || *value < lowest || *value > 0xffffffffU) {
            at_ = begin;
            fail("number");
        }
        return *value;
    }
    void string() {
        if (accept("\"")) {
            quoted();
        } else if (accept("{")) {
            literal();
        } else {
            fail("string");
        }
    }
    void nstring() {
        if (!accept("NIL")) {
            string();
        }
    }
    void astring() {
        if (peek() == '"' || peek() == '{') {
            string();
            return;
        }
        const auto begin = at_;
        while (!at_end() && (is_atom_char(peek()) || peek() == ']')) {
            ++at_;
        }
        if (at_ == begin) {
            fail("astring");
        }
    }
    // 1*TEXT-CHAR; `until` ends it where it stands in a response code.
    void text(char until = '\0') {
        const auto begin = at_;
        while (!at_end() && static_cast<unsigned char>(peek()) < 0x80 && peek() != '\0' &&
               peek() != '\r' && peek() != '\n' && (until == '\0' || peek() != until)) {
            ++at_;
        }
        if (at_ == begin) {
            fail("text");
        }
    }

private:
    void quoted() {
        while (!accept("\"")) {
            const char c = peek();
            if (at_end() || c == '\r' || c == '\n' || c == '\0' ||
                static_cast<unsigned char>(c) >= 0x80) {
                fail("QUOTED-CHAR");
            }
            ++at_;
            if (c == '\\') {
                if (peek() != '"' && peek() != '\\') {
                    fail("quoted-special");
                }
                ++at_;
            }
        }
    }
    void literal() {
        const auto size = static_cast<std::size_t>(number());
        expect("}\r\n");
        const auto octets = text_.substr(at_, size);
        if (octets.size() < size || octets.find('\0') != std::string_view::npos) {
            fail("a literal of " + std::to_string(size) + " CHAR8");
        }
        at_ += size;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

// body, envelope and their parts (RFC 3501 9).
class BodyGrammar {
public:
    explicit BodyGrammar(Reader& in) : in_(in) {}

    void envelope() {
        in_.expect("(");
        in_.nstring();  // date
        in_.expect(" ");
        in_.nstring();  // subject
        for (int list = 0; list < 6; ++list) {
            in_.expect(" ");
            addresses();
        }
        in_.expect(" ");
        in_.nstring();  // in-reply-to
        in_.expect(" ");
        in_.nstring();  // message-id
        in_.expect(")");
    }

    void body(bool extended) {
        in_.expect("(");
        if (in_.peek() == '(') {
            multipart(extended);
        } else {
            one_part(extended);
        }
        in_.expect(")");
    }

private:
    void addresses() {
        if (in_.accept("NIL")) {
            return;
        }
        in_.expect("(");
        do {
            in_.expect("(");
            for (int field = 0; field < 4; ++field) {
                in_.expect(field == 0 ? "" : " ");
                in_.nstring();
            }
            in_.expect(")");
        } while (in_.peek() == '(');
        in_.expect(")");
    }

    void multipart(bool extended) {
        do {
            body(extended);
        } while (in_.peek() == '(');
        in_.expect(" ");
        in_.string();
        if (extended && in_.accept(" ")) {
            parameters();
            extensions();
        }
    }

    void one_part(bool extended) {
        const bool text = in_.sees("\"TEXT\"");
        const bool message = in_.sees("\"MESSAGE\" \"RFC822\"");
        in_.string();
        in_.expect(" ");
        in_.string();
        in_.expect(" ");
        parameters();
        in_.expect(" ");
        in_.nstring();  // id
        in_.expect(" ");
        in_.nstring();  // description
        in_.expect(" ");
        in_.string();  // encoding
        in_.expect(" ");
        in_.number();  // octets
        if (message) {
            in_.expect(" ");
            envelope();
            in_.expect(" ");
            body(extended);
        }
        if (text || message) {
            in_.expect(" ");
            in_.number();  // lines
        }
        if (extended && in_.accept(" ")) {
            in_.nstring();  // MD5
            extensions();
        }
    }

    void parameters() {
        if (in_.accept("NIL")) {
            return;
        }
        in_.expect("(");
        do {
            in_.string();
            in_.expect(" ");
            in_.string();
        } while (in_.accept(" "));
        in_.expect(")");
    }

    // [SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc *(SP body-extension)]]]
    void extensions() {
        if (!in_.accept(" ")) {
            return;
        }
        if (!in_.accept("NIL")) {
            in_.expect("(");
            in_.string();
            in_.expect(" ");
            parameters();
            in_.expect(")");
        }
        if (!in_.accept(" ")) {
            return;
        }
        if (in_.accept("(")) {
            do {
                in_.string();
            } while (in_.accept(" "));
            in_.expect(")");
        } else {
            in_.nstring();
        }
        if (in_.accept(" ")) {
            in_.nstring();
        }
    }

    Reader& in_;
};

class ResponseGrammar {
public:
    ResponseGrammar(std::string_view text, std::vector<ImapEvent>* events)
        : in_(text), events_(events) {}

    void run() {
        while (!in_.at_end()) {
            if (in_.accept("* ")) {
                untagged();
            } else if (in_.accept("+ ")) {
                in_.text();
            } else {
                in_.atom();
                in_.expect(" ");
                condition({"OK", "NO", "BAD"});
            }
            in_.expect("\r\n");
        }
    }

private:
    void untagged() {
        if (in_.peek() >= '0' && in_.peek() <= '9') {
            numbered();
        } else if (in_.accept("FLAGS ")) {
            flags(/*recent=*/true, /*any=*/false);
        } else if (in_.accept("LIST ") || in_.accept("LSUB ")) {
            mailbox_list();
        } else if (in_.accept("SEARCH")) {
            while (in_.accept(" ")) {
                in_.number(1);
            }
        } else if (in_.accept("STATUS ")) {
            status();
        } else if (in_.accept("CAPABILITY")) {
            while (in_.accept(" ")) {
                in_.atom();
            }
        } else {
            condition({"OK", "NO", "BAD", "PREAUTH", "BYE"});
        }
    }

    void numbered() {
        const auto number = in_.number();
        if (in_.accept(" EXISTS")) {
            tell({ImapEvent::Kind::kExists, number});
            return;
        }
        if (in_.accept(" RECENT")) {
            tell({ImapEvent::Kind::kRecent, number});
            return;
        }
        if (number == 0) {
            in_.fail("nz-number");
        }
        if (in_.accept(" EXPUNGE")) {
            tell({ImapEvent::Kind::kExpunge, number});
            return;
        }
        in_.expect(" FETCH (");
        tell({ImapEvent::Kind::kFetch, number});
        do {
            fetch_item();
        } while (in_.accept(" "));
        in_.expect(")");
    }

    void tell(const ImapEvent& event) {
        if (events_ != nullptr) {
            events_->push_back(event);
        }
    }

    void fetch_item() {
        BodyGrammar body(in_);
        if (in_.accept("FLAGS ")) {
            flags(/*recent=*/true, /*any=*/false);
        } else if (in_.accept("ENVELOPE ")) {
            body.envelope();
        } else if (in_.accept("INTERNALDATE ")) {
            date_time();
        } else if (in_.accept("RFC822.SIZE ")) {
            in_.number();
        } else if (in_.accept("RFC822.HEADER ") || in_.accept("RFC822.TEXT ") ||
                   in_.accept("RFC822 ")) {
            in_.nstring();
        } else if (in_.accept("BODYSTRUCTURE ")) {
            body.body(/*extended=*/true);
        } else if (in_.accept("UID ")) {
            in_.number(1);
        } else if (in_.accept("BODY[")) {
            section();
        } else if (in_.accept("BODY ")) {
            body.body(/*extended=*/false);
        } else {
            in_.fail("msg-att");
        }
    }

    // "BODY" section ["<" number ">"] SP nstring
    void section() {
        bool parts = false;
        bool more = true;
        while (in_.peek() >= '0' && in_.peek() <= '9') {
            in_.number(1);
            parts = true;
            more = in_.accept(".");
        }
        if (more && !in_.sees("]")) {
            section_text(parts);
        }
        in_.expect("]");
        if (in_.accept("<")) {
            in_.number();
            in_.expect(">");
        }
        in_.expect(" ");
        in_.nstring();
    }

    void section_text(bool parts) {
        if (in_.accept("HEADER.FIELDS.NOT (") || in_.accept("HEADER.FIELDS (")) {
            do {
                in_.astring();
            } while (in_.accept(" "));
            in_.expect(")");
        } else if (!in_.accept("HEADER") && !in_.accept("TEXT") && !(parts && in_.accept("MIME"))) {
            in_.fail("section-text");
        }
    }

    void date_time() {
        // "dd-Mon-yyyy hh:mm:ss +zzzz", the day with a space or a digit before it
        constexpr std::string_view kShape = "\"Dd-Mmm-dddd dd:dd:dd Zdddd\"";
        for (const char shape : kShape) {
            const char c = in_.peek();
            const bool digit = c >= '0' && c <= '9';
            const bool fits = shape == 'd'   ? digit
                              : shape == 'D' ? digit || c == ' '
                              : shape == 'M' ? c >= 'A' && c <= 'Z'
                              : shape == 'm' ? c >= 'a' && c <= 'z'
                              : shape == 'Z' ? c == '+' || c == '-'
                                             : c == shape;
            if (!fits) {
                in_.fail("date-time");
            }
            in_.expect(std::string_view(&c, 1));
        }
    }

    // `any`: "\*" is allowed (PERMANENTFLAGS).
    void flags(bool recent, bool any) {
        in_.expect("(");
        if (in_.accept(")")) {
            return;
        }
        do {
            if (!in_.accept("\\")) {
                in_.atom();
            } else if (!(any && in_.accept("*")) && !(recent && in_.accept("Recent"))) {
                one_of({"Answered", "Flagged", "Deleted", "Seen", "Draft"});
            }
        } while (in_.accept(" "));
        in_.expect(")");
    }

    void mailbox_list() {
        in_.expect("(");
        if (!in_.accept(")")) {
            do {
                in_.expect("\\");
                in_.atom();
            } while (in_.accept(" "));
            in_.expect(")");
        }
        in_.expect(" \"/\" ");
        in_.astring();
    }

    void status() {
        in_.astring();
        in_.expect(" (");
        if (in_.accept(")")) {
            return;
        }
        do {
            one_of(
                {"MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN", "SIZE", "APPENDLIMIT"});
            in_.expect(" ");
            in_.number();
        } while (in_.accept(" "));
        in_.expect(")");
    }

    void condition(std::initializer_list<std::string_view> words) {
        one_of(words);
        in_.expect(" ");
        if (in_.accept("[")) {
            code();
            in_.expect("] ");
        }
        in_.text();
    }

    void code() {
        if (in_.accept("PERMANENTFLAGS ")) {
            flags(/*recent=*/false, /*any=*/true);
        } else if (in_.accept("UIDNEXT ") || in_.accept("UIDVALIDITY ") || in_.accept("UNSEEN ")) {
            in_.number(1);
        } else if (in_.accept("APPENDUID ")) {
            in_.number(1);
            in_.expect(" ");
            in_.number(1);
        } else if (in_.accept("COPYUID ")) {
            in_.number(1);
            in_.expect(" ");
            const auto sources = uid_set();
            in_.expect(" ");
            if (uid_set() != sources) {
                in_.fail("as many destination uids as source uids");
            }
        } else {
            in_.atom();
            if (in_.accept(" ")) {
                in_.text(']');
            }
        }
    }

    // Returns how many uids it names.
    std::uint64_t uid_set() {
        std::uint64_t count = 0;
        do {
            const auto first = in_.number(1);
            const auto last = in_.accept(":") ? in_.number(first + 1) : first;
            count += last - first + 1;
        } while (in_.accept(","));
        return count;
    }

    void one_of(std::initializer_list<std::string_view> words) {
        std::string expected;
        for (const auto word : words) {
            if (in_.accept(word)) {
                return;
            }
            expected.append(expected.empty() ? "" : " | ").append(word);
        }
        in_.fail(expected);
    }

    Reader in_;
    std::vector<ImapEvent>* events_;
};

}  // namespace

std::optional<std::string> check_imap_responses(std::string_view text,
                                                std::vector<ImapEvent>* events) {
    try {
        ResponseGrammar(text, events).run();
    } catch (const Mismatch& mismatch) {
        return "expected " + escape_octets(mismatch.expected) + " at octet " +
               std::to_string(mismatch.offset) + ": " +
               escape_octets(text.substr(mismatch.offset, 80));
    }
    return std::nullopt;
}

}  // namespace quorate::support
