#include "path.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "domain.hpp"

namespace quorate::mail::smtp {
namespace {

bool is_high(char c) { return static_cast<unsigned char>(c) >= 0x80; }

// RFC 5322 atext, and UTF-8 (RFC 6531 3.3).
bool is_atext(char c) {
    constexpr std::string_view kMarks = "!#$%&'*+-/=?^_`{|}~";
    return (c >= '0' && c <= '9') || (to_lower(c) >= 'a' && to_lower(c) <= 'z') ||
           kMarks.find(c) != std::string_view::npos || is_high(c);
}

// Atoms joined by single dots.
bool is_dot_string(std::string_view text) {
    bool atom = false;
    for (const char c : text) {
        if (c == '.' ? !atom : !is_atext(c)) {
            return false;
        }
        atom = c != '.';
    }
    return atom;
}

// Reads from the front of a text.
class PathReader {
public:
    explicit PathReader(std::string_view text) : text_(text) {}

    std::size_t position() const { return position_; }
    bool at_end() const { return position_ == text_.size(); }
    bool accept(char c) {
        if (at_end() || text_[position_] != c) {
            return false;
        }
        ++position_;
        return true;
    }

    // A-d-l ":" of a source route.
    bool skip_route() {
        do {
            if (!accept('@') || !domain()) {
                return false;
            }
        } while (accept(','));
        return accept(':');
    }

    bool starts_with(char c) const { return !at_end() && text_[position_] == c; }

    std::optional<std::string> local_part() {
        auto local = starts_with('"') ? quoted_string() : dot_string();
        if (local && (local->empty() || local->size() > kLocalPartMax || !is_valid_utf8(*local))) {
            local.reset();
        }
        return local;
    }

    // Domain or address literal.
    std::optional<std::string> domain() {
        const auto end = starts_with('[') ? text_.find(']', position_) : text_.npos;
        if (end != text_.npos) {
            return taken(text_.substr(position_, end + 1 - position_), is_address_literal);
        }
        constexpr std::string_view kAfterDomain = "<>,:@ \t[]\"";
        const auto stop = text_.find_first_of(kAfterDomain, position_);
        return taken(text_.substr(position_, stop == text_.npos ? stop : stop - position_),
                     is_domain);
    }

private:
    std::optional<std::string> taken(std::string_view token, bool (*valid)(std::string_view)) {
        if (!valid(token)) {
            return std::nullopt;
        }
        position_ += token.size();
        return std::string(token);
    }

    std::optional<std::string> dot_string() {
        auto end = position_;
        while (end < text_.size() && (is_atext(text_[end]) || text_[end] == '.')) {
            ++end;
        }
        return taken(text_.substr(position_, end - position_), is_dot_string);
    }

    // RFC 5321 4.1.2: qtextSMTP and quoted-pairSMTP.
    std::optional<std::string> quoted_string() {
        std::string content;
        for (++position_; position_ < text_.size(); ++position_) {
            char c = text_[position_];
            if (c == '"') {
                ++position_;
                return content;
            }
            if (c == '\\') {
                if (++position_ == text_.size() || is_high(text_[position_])) {
                    return std::nullopt;
                }
                c = text_[position_];
            }
            if ((c < ' ' && !is_high(c)) || c == '\x7f') {
                return std::nullopt;
            }
            content.push_back(c);
        }
        return std::nullopt;
    }

    std::string_view text_;
    std::size_t position_ = 0;
};

}  // namespace

bool Mailbox::is_ascii() const { return smtp::is_ascii(local) && smtp::is_ascii(domain); }

std::string Mailbox::to_string() const {
    std::string text;
    if (local.empty() || is_dot_string(local)) {
        text = local;
    } else {
        text.push_back('"');
        for (const char c : local) {
            if (c == '"' || c == '\\') {
                text.push_back('\\');
            }
            text.push_back(c);
        }
        text.push_back('"');
    }
    if (!domain.empty()) {
        text += '@';
        text += domain;
    }
    return text;
}

std::optional<ParsedPath> parse_path(std::string_view text) {
    PathReader reader(text.substr(0, kPathMax));
    ParsedPath path;
    if (!reader.accept('<')) {
        return std::nullopt;
    }
    if (!reader.accept('>')) {
        if (reader.starts_with('@') && !reader.skip_route()) {
            return std::nullopt;
        }
        auto local = reader.local_part();
        auto domain = local && reader.accept('@') ? reader.domain() : std::string();
        if (!local || !domain || !reader.accept('>')) {
            return std::nullopt;
        }
        path.mailbox = Mailbox{std::move(*local), std::move(*domain)};
    }
    path.consumed = reader.position();
    return path;
}

std::optional<Mailbox> parse_mailbox(std::string_view text) {
    PathReader reader(text);
    auto local = reader.local_part();
    if (!local || !reader.accept('@')) {
        return std::nullopt;
    }
    auto domain = reader.domain();
    if (!domain || !reader.at_end()) {
        return std::nullopt;
    }
    return Mailbox{std::move(*local), std::move(*domain)};
}

}  // namespace quorate::mail::smtp
