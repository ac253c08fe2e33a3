#include "parse_search.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.hpp"
#include "mail/message/decode.hpp"
#include "parse_arguments.hpp"

namespace quorate::mail::imap {
namespace {

using KeyKind = SearchKey::Kind;

constexpr int kDepthMax = 50;
constexpr int kKeysMax = 10'000;

// How the words of search-key go on.
enum class Argument : std::uint8_t {
    kNone,
    kFlags,    // none, the flags are the word's
    kKeyword,  // flag-keyword
    kDate,
    kNumber,
    kText,    // astring
    kField,   // astring that is searched in the field of this name
    kHeader,  // field name and astring
    kUid,     // sequence-set
    kNot,
    kOr,
    kNew,
};
struct SearchWord {
    std::string_view name;
    KeyKind kind;
    Argument argument;
    store::FlagBits flags = 0;
};

// By name, for the binary search.
constexpr std::array<SearchWord, 35> kWords{{
    {"ALL", KeyKind::kAll, Argument::kNone},
    {"ANSWERED", KeyKind::kHasFlags, Argument::kFlags, store::kAnswered},
    {"BCC", KeyKind::kHeader, Argument::kField},
    {"BEFORE", KeyKind::kBefore, Argument::kDate},
    {"BODY", KeyKind::kBodyText, Argument::kText},
    {"CC", KeyKind::kHeader, Argument::kField},
    {"DELETED", KeyKind::kHasFlags, Argument::kFlags, store::kDeleted},
    {"DRAFT", KeyKind::kHasFlags, Argument::kFlags, store::kDraft},
    {"FLAGGED", KeyKind::kHasFlags, Argument::kFlags, store::kFlagged},
    {"FROM", KeyKind::kHeader, Argument::kField},
    {"HEADER", KeyKind::kHeader, Argument::kHeader},
    {"KEYWORD", KeyKind::kKeyword, Argument::kKeyword},
    {"LARGER", KeyKind::kLarger, Argument::kNumber},
    {"NEW", KeyKind::kAll, Argument::kNew},
    {"NOT", KeyKind::kNot, Argument::kNot},
    {"OLD", KeyKind::kOld, Argument::kNone},
    {"ON", KeyKind::kOn, Argument::kDate},
    {"OR", KeyKind::kOr, Argument::kOr},
    {"RECENT", KeyKind::kRecent, Argument::kNone},
    {"SEEN", KeyKind::kHasFlags, Argument::kFlags, store::kSeen},
    {"SENTBEFORE", KeyKind::kSentBefore, Argument::kDate},
    {"SENTON", KeyKind::kSentOn, Argument::kDate},
    {"SENTSINCE", KeyKind::kSentSince, Argument::kDate},
    {"SINCE", KeyKind::kSince, Argument::kDate},
    {"SMALLER", KeyKind::kSmaller, Argument::kNumber},
    {"SUBJECT", KeyKind::kHeader, Argument::kField},
    {"TEXT", KeyKind::kText, Argument::kText},
    {"TO", KeyKind::kHeader, Argument::kField},
    {"UID", KeyKind::kSet, Argument::kUid},
    {"UNANSWERED", KeyKind::kLacksFlags, Argument::kFlags, store::kAnswered},
    {"UNDELETED", KeyKind::kLacksFlags, Argument::kFlags, store::kDeleted},
    {"UNDRAFT", KeyKind::kLacksFlags, Argument::kFlags, store::kDraft},
    {"UNFLAGGED", KeyKind::kLacksFlags, Argument::kFlags, store::kFlagged},
    {"UNKEYWORD", KeyKind::kUnkeyword, Argument::kKeyword},
    {"UNSEEN", KeyKind::kLacksFlags, Argument::kFlags, store::kSeen},
}};

static_assert(std::is_sorted(kWords.begin(), kWords.end(),
                             [](const SearchWord& a, const SearchWord& b) {
                                 return a.name < b.name;
                             }));

const SearchWord* find_word(std::string_view name) {
    constexpr std::size_t kLongest = 10;
    if (name.size() > kLongest) {
        return nullptr;
    }
    const auto upper = to_upper(name);
    const auto* found = std::lower_bound(
        kWords.begin(), kWords.end(), upper,
        [](const SearchWord& word, std::string_view wanted) { return word.name < wanted; });
    return found != kWords.end() && found->name == upper ? found : nullptr;
}

class SearchParser {
public:
    explicit SearchParser(Lexer& lexer) : lexer_(lexer) {}

    bool program(SearchKey& out) {
        const auto begin = lexer_.at();
        auto name = lexer_.name();
        if (iequals(name, "CHARSET")) {
            if (!lexer_.space() || !charset() || !lexer_.space()) {
                return false;
            }
        } else {
            lexer_.seek(begin);
        }
        do {
            if (!key(out.children.emplace_back())) {
                return false;
            }
        } while (lexer_.take(' '));
        if (out.children.size() == 1) {
            SearchKey only = std::move(out.children.front());
            out = std::move(only);
        }
        return true;
    }

private:
    bool charset() {
        if (!lexer_.astring(charset_)) {
            return false;
        }
        return message::is_known_charset(charset_) ||
               lexer_.refuse("BADCHARSET (US-ASCII UTF-8)", "charset is not known");
    }

    bool text(std::string& out) {
        if (!lexer_.astring(out)) {
            return false;
        }
        out = message::to_utf8(charset_, out);
        return true;
    }

    bool key(SearchKey& out) {
        if (++keys_ > kKeysMax) {
            return lexer_.fail("more than 10000 keys");
        }
        if (depth_ == kDepthMax) {
            return lexer_.fail("keys more than 50 levels deep");
        }
        ++depth_;
        const bool read = lexer_.take('(') ? list(out) : single(out);
        --depth_;
        return read;
    }

    // Behind its "(".
    bool list(SearchKey& out) {
        do {
            if (!key(out.children.emplace_back())) {
                return false;
            }
        } while (lexer_.take(' '));
        return lexer_.expect(')', "space or ) expected");
    }

    bool single(SearchKey& out) {
        if (is_set_next(lexer_)) {
            out.kind = KeyKind::kSet;
            return parse_set(lexer_, out.set);
        }
        const auto begin = lexer_.at();
        const auto* word = find_word(lexer_.name());
        if (word == nullptr) {
            return lexer_.fail_at(begin, "unknown SEARCH key");
        }
        out.kind = word->kind;
        return argument(*word, out);
    }

    bool argument(const SearchWord& word, SearchKey& out) {
        switch (word.argument) {
            case Argument::kNone:
                return true;
            case Argument::kFlags:
                out.flags = word.flags;
                return true;
            case Argument::kKeyword:
                return lexer_.space() && keyword(out.name);
            case Argument::kDate:
                return lexer_.space() && parse_date(lexer_, out.day);
            case Argument::kNumber:
                return lexer_.space() && lexer_.number(out.number);
            case Argument::kText:
                return lexer_.space() && text(out.text);
            case Argument::kField:
                out.name = word.name;
                return lexer_.space() && text(out.text);
            case Argument::kHeader:
                return lexer_.space() && lexer_.astring(out.name) && lexer_.space() &&
                       text(out.text);
            case Argument::kUid:
                out.set.uid = true;
                return lexer_.space() && parse_set(lexer_, out.set);
            case Argument::kNot:
                return lexer_.space() && key(out.children.emplace_back());
            case Argument::kOr:
                return lexer_.space() && key(out.children.emplace_back()) && lexer_.space() &&
                       key(out.children.emplace_back());
            case Argument::kNew:
                out.children.resize(2);
                out.children[0].kind = KeyKind::kRecent;
                out.children[1].kind = KeyKind::kLacksFlags;
                out.children[1].flags = store::kSeen;
                return true;
        }
        return false;
    }

    bool keyword(std::string& out) {
        std::string_view word;
        if (!lexer_.atom(word)) {
            return false;
        }
        out = word;
        return true;
    }

    Lexer& lexer_;
    std::string charset_;
    int depth_ = 0;
    int keys_ = 0;
};

}  // namespace

bool parse_search_program(Lexer& lexer, SearchKey& out) { return SearchParser(lexer).program(out); }

}  // namespace quorate::mail::imap
