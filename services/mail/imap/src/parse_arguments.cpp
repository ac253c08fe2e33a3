#include "parse_arguments.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "atoms.hpp"
#include "base/text.hpp"

namespace quorate::mail::imap {
namespace {

constexpr std::size_t kRangesMax = 100'000;

constexpr std::array<std::pair<std::string_view, store::FlagBits>, 5> kSystemFlagWords{
    {{"Answered", store::kAnswered},
     {"Flagged", store::kFlagged},
     {"Deleted", store::kDeleted},
     {"Seen", store::kSeen},
     {"Draft", store::kDraft}}};

bool parse_set_number(Lexer& lexer, std::uint32_t& out) {
    if (lexer.take('*')) {
        out = kStar;
        return true;
    }
    return lexer.nonzero_number(out);
}

bool parse_system_flag(Lexer& lexer, FlagList& out) {
    const auto begin = lexer.at();
    std::string_view word;
    if (!lexer.take('\\') || !lexer.atom(word)) {
        return lexer.fail("flag expected");
    }
    for (const auto& [name, bit] : kSystemFlagWords) {
        if (iequals(word, name)) {
            out.system |= bit;
            return true;
        }
    }
    return iequals(word, "Recent") ? lexer.fail_at(begin, "\\Recent cannot be set")
                                   : lexer.refuse("CANNOT", "unknown system flag");
}

bool parse_flag(Lexer& lexer, FlagList& out) {
    if (lexer.peek() == '\\') {
        return parse_system_flag(lexer, out);
    }
    std::string_view word;
    if (!lexer.atom(word)) {
        return false;
    }
    if (word.size() > store::kKeywordBytesMax) {
        return lexer.refuse("LIMIT", "keyword is too long");
    }
    const bool known = std::any_of(out.keywords.begin(), out.keywords.end(),
                                   [&](const auto& keyword) { return iequals(keyword, word); });
    if (known) {
        return true;
    }
    if (out.keywords.size() == store::kKeywordsMax) {
        return lexer.refuse("LIMIT", "too many keywords");
    }
    out.keywords.emplace_back(word);
    return true;
}

}  // namespace

bool is_set_next(const Lexer& lexer) { return is_digit(lexer.peek()) || lexer.peek() == '*'; }

bool parse_set(Lexer& lexer, MessageSet& out) {
    const auto rest = lexer.rest();
    const auto text = rest.substr(0, rest.find(' '));
    const auto commas = std::count(text.begin(), text.end(), ',');
    out.ranges.reserve(std::min(static_cast<std::size_t>(commas) + 1, kRangesMax));
    do {
        if (out.ranges.size() == kRangesMax) {
            return lexer.fail("set of more than 100000 ranges");
        }
        SetRange range;
        if (!parse_set_number(lexer, range.first)) {
            return false;
        }
        range.last = range.first;
        if (lexer.take(':') && !parse_set_number(lexer, range.last)) {
            return false;
        }
        out.ranges.push_back(range);
    } while (lexer.take(','));
    return true;
}

bool parse_flag_list(Lexer& lexer, FlagList& out) {
    if (!lexer.expect('(', "list of flags expected")) {
        return false;
    }
    if (lexer.take(')')) {
        return true;
    }
    do {
        if (!parse_flag(lexer, out)) {
            return false;
        }
    } while (lexer.take(' '));
    return lexer.expect(')', "space or ) expected");
}

bool parse_store_flags(Lexer& lexer, FlagList& out) {
    if (lexer.peek() == '(') {
        return parse_flag_list(lexer, out);
    }
    do {
        if (!parse_flag(lexer, out)) {
            return false;
        }
    } while (lexer.take(' '));
    return true;
}

bool parse_date_time(Lexer& lexer, std::optional<message::DateTime>& out) {
    const auto begin = lexer.at();
    std::string text;
    if (lexer.peek() != '"' || !lexer.string(text)) {
        return lexer.fail("date and time expected");
    }
    out = message::parse_imap_date_time(text);
    return out.has_value() || lexer.fail_at(begin, "not a valid date and time");
}

bool parse_date(Lexer& lexer, message::Day& out) {
    const auto begin = lexer.at();
    std::string quoted;
    std::string_view text;
    const bool read = lexer.peek() == '"' ? lexer.string(quoted) : lexer.atom(text);
    if (!read) {
        return lexer.fail("date expected");
    }
    const auto day = message::parse_imap_date(text.empty() ? std::string_view(quoted) : text);
    if (!day) {
        return lexer.fail_at(begin, "not a valid date");
    }
    out = *day;
    return true;
}

}  // namespace quorate::mail::imap
