#include "mail/message/address.hpp"

#include <utility>

#include "base/text.hpp"
#include "lexer.hpp"

namespace quorate::mail::message {
namespace {

constexpr std::string_view kStops = "()<>@,;:\"";

// An encoded word is looked for in so many characters: RFC 2047 allows 75.
constexpr std::size_t kEncodedWordMax = 256;

// An encoded word that contains characters which would end an atom: `=?x?q?a,b?=`. Its length, or
// 0.
std::size_t encoded_word(std::string_view rest) {
    if (!rest.starts_with("=?")) {
        return 0;
    }
    rest = rest.substr(0, kEncodedWordMax);
    std::size_t at = 2;
    for (int marks = 0; at < rest.size() && rest[at] != ' ' && rest[at] != '\t'; ++at) {
        if (rest[at] != '?') {
            continue;
        }
        if (++marks > 2 && at + 1 < rest.size() && rest[at + 1] == '=') {
            return at + 2;
        }
    }
    return 0;
}

class AddressParser {
public:
    AddressParser(std::string_view value, std::size_t limit) : lexer_(value), limit_(limit) {}

    std::vector<Address> run() {
        while (!lexer_.at_end() && count_ < limit_) {
            element();
        }
        end_group();
        return std::move(list_);
    }

private:
    // The words between two separators, and what they turn out to be.
    void element() {
        words_.clear();
        comment_.clear();
        const auto begin = lexer_.at();
        for (;;) {
            take_words();
            const char c = lexer_.peek();
            if (lexer_.at_end() || c == ',' || c == ';') {
                bare_words();
                break;
            }
            lexer_.advance();
            if (c == '<') {
                angle_address(words_to_name());
                break;
            }
            if (c == '@') {
                address_or_name(begin);
                break;
            }
            if (c == ':' && !in_group_ && !words_.empty()) {
                start_group();
                return;
            }
        }
        separator();
    }

    void take_words() {
        for (;;) {
            skip_cfws();
            std::string word;
            if (is_quoted_string()) {
                word = lexer_.quoted_string();
            } else if (lexer_.take('"')) {
                continue;
            } else if (const auto length = encoded_word(lexer_.rest()); length > 0) {
                word = lexer_.rest().substr(0, length);
                lexer_.seek(lexer_.at() + length);
            } else {
                word = lexer_.word(kStops);
                if (word.empty()) {
                    return;
                }
            }
            words_.push_back(std::move(word));
        }
    }

    void skip_cfws() {
        for (;;) {
            const auto c = lexer_.peek();
            if (c == '(' && !lexer_.at_end()) {
                if (auto text = lexer_.comment(); !text.empty()) {
                    comment_ = std::move(text);
                }
            } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
                lexer_.advance();
            } else {
                return;
            }
        }
    }

    // A quote without an end is no quote; nor are those after it.
    bool is_quoted_string() {
        if (!lexer_.is('"') || quotes_broken_) {
            return false;
        }
        quotes_broken_ = !lexer_.quote_is_closed();
        return !quotes_broken_;
    }

    // Only words up to the separator: a mailbox without host if it is one word, a mere name else.
    void bare_words() {
        if (words_.empty()) {
            return;
        }
        Address address;
        if (words_.size() == 1) {
            address.mailbox = std::move(words_.front());
            address.name = comment_;
        } else {
            address.name = words_to_name();
        }
        add(std::move(address));
    }

    // Behind '@': `words @domain`. If an angle bracket follows, all of that was the display name,
    // which should have been quoted.
    void address_or_name(std::size_t begin) {
        Address address;
        address.mailbox = take_local_part();
        address.name = words_to_name();
        address.host = domain();
        skip_cfws();
        skip_to(",;<");
        if (lexer_.is('<')) {
            auto name = std::string(trim(lexer_.from(begin)));
            lexer_.advance();
            angle_address(std::move(name));
            return;
        }
        if (address.name.empty()) {
            address.name = comment_;
        }
        add(std::move(address));
    }

    // Behind '<', until behind '>'.
    void angle_address(std::string name) {
        Address address;
        address.name = std::move(name);
        skip_cfws();
        while (lexer_.take('<')) {
            skip_cfws();
        }
        if (lexer_.is('@')) {
            address.route = route();
        }
        words_.clear();
        take_words();
        address.mailbox = take_local_part();
        if (lexer_.take('@')) {
            address.host = domain();
        }
        skip_to(">,;");
        while (lexer_.take('>')) {
            skip_cfws();
        }
        if (address.name.empty()) {
            address.name = comment_;
        }
        add(std::move(address));
    }

    // `@a,@b:` at '@'; nothing when the colon is missing.
    std::string route() {
        const auto begin = lexer_.at();
        std::string text;
        while (lexer_.take('@')) {
            text += (text.empty() ? "@" : ",@") + domain();
            skip_cfws();
            while (lexer_.take(',')) {
                skip_cfws();
            }
        }
        if (lexer_.take(':')) {
            return text;
        }
        lexer_.seek(begin);
        return {};
    }

    // Atoms joined by dots with comments and white space between, or a domain literal.
    std::string domain() {
        std::string text;
        for (;;) {
            const auto before = lexer_.at();
            skip_cfws();
            if (text.empty() && lexer_.is('[')) {
                return literal();
            }
            const auto atom = lexer_.word(kStops);
            if (atom.empty()) {
                return text;
            }
            if (!text.empty() && !text.ends_with('.') && !atom.starts_with('.')) {
                lexer_.seek(before);
                return text;
            }
            text += atom;
        }
    }

    std::string literal() {
        std::string text;
        while (!lexer_.at_end()) {
            const char c = lexer_.peek();
            if (c == ',' || c == ';' || c == '<' || c == '>') {
                break;
            }
            lexer_.advance();
            text.push_back(c);
            if (c == ']') {
                break;
            }
        }
        return text;
    }

    // The last word, with those before it that belong to it by a dot.
    std::string take_local_part() {
        auto begin = words_.size();
        while (begin > 0) {
            --begin;
            if (begin == 0 ||
                !(words_[begin].starts_with('.') || words_[begin - 1].ends_with('.'))) {
                break;
            }
        }
        std::string part;
        for (auto i = begin; i < words_.size(); ++i) {
            part += words_[i];
        }
        words_.resize(begin);
        return part;
    }

    std::string words_to_name() {
        std::string name;
        for (const auto& word : words_) {
            if (!name.empty() && !word.empty()) {
                name.push_back(' ');
            }
            name += word;
        }
        words_.clear();
        return name;
    }

    void start_group() {
        in_group_ = true;
        ++count_;
        Address start;
        start.kind = Address::Kind::kGroupStart;
        start.name = words_to_name();
        list_.push_back(std::move(start));
    }

    void end_group() {
        if (std::exchange(in_group_, false)) {
            Address end;
            end.kind = Address::Kind::kGroupEnd;
            list_.push_back(std::move(end));
        }
    }

    void add(Address address) {
        ++count_;
        list_.push_back(std::move(address));
    }

    // To the next of `stops` that is not inside a quoted string or comment.
    void skip_to(std::string_view stops) {
        for (;;) {
            skip_cfws();
            if (lexer_.at_end() || stops.find(lexer_.peek()) != std::string_view::npos) {
                return;
            }
            if (is_quoted_string()) {
                lexer_.quoted_string();
            } else {
                lexer_.advance();
            }
        }
    }

    void separator() {
        skip_to(",;");
        if (lexer_.take(';')) {
            end_group();
        } else {
            lexer_.take(',');
        }
    }

    Lexer lexer_;
    std::size_t limit_;
    std::size_t count_ = 0;
    std::vector<Address> list_;
    std::vector<std::string> words_;
    std::string comment_;  // the last one of this element
    bool in_group_ = false;
    bool quotes_broken_ = false;
};

}  // namespace

std::vector<Address> parse_addresses(std::string_view value, std::size_t limit) {
    return AddressParser(value, limit).run();
}

}  // namespace quorate::mail::message
