#include "parse_search.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.hpp"
#include "mail/message/decode.hpp"
#include "parse_arguments.hpp"

namespace quorate::mail::imap {
namespace {

using Kind = SearchKey::Kind;

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
struct Word {
    std::string_view name;
    Kind kind;
    Argument argument;
    store::FlagBits flags = 0;
};

// By name, for the binary search.
constexpr std::array<Word, 35> kWords{{
    {"ALL", Kind::kAll, Argument::kNone},
    {"ANSWERED", Kind::kHasFlags, Argument::kFlags, store::kAnswered},
    {"BCC", Kind::kHeader, Argument::kField},
    {"BEFORE", Kind::kBefore, Argument::kDate},
    {"BODY", Kind::kBodyText, Argument::kText},
    {"CC", Kind::kHeader, Argument::kField},
    {"DELETED", Kind::kHasFlags, Argument::kFlags, store::kDeleted},
    {"DRAFT", Kind::kHasFlags, Argument::kFlags, store::kDraft},
    {"FLAGGED", Kind::kHasFlags, Argument::kFlags, store::kFlagged},
    {"FROM", Kind::kHeader, Argument::kField},
    {"HEADER", Kind::kHeader, Argument::kHeader},
    {"KEYWORD", Kind::kKeyword, Argument::kKeyword},
    {"LARGER", Kind::kLarger, Argument::kNumber},
    {"NEW", Kind::kAll, Argument::kNew},
    {"NOT", Kind::kNot, Argument::kNot},
    {"OLD", Kind::kOld, Argument::kNone},
    {"ON", Kind::kOn, Argument::kDate},
    {"OR", Kind::kOr, Argument::kOr},
    {"RECENT", Kind::kRecent, Argument::kNone},
    {"SEEN", Kind::kHasFlags, Argument::kFlags, store::kSeen},
    {"SENTBEFORE", Kind::kSentBefore, Argument::kDate},
    {"SENTON", Kind::kSentOn, Argument::kDate},
    {"SENTSINCE", Kind::kSentSince, Argument::kDate},
    {"SINCE", Kind::kSince, Argument::kDate},
    {"SMALLER", Kind::kSmaller, Argument::kNumber},
    {"SUBJECT", Kind::kHeader, Argument::kField},
    {"TEXT", Kind::kText, Argument::kText},
    {"TO", Kind::kHeader, Argument::kField},
    {"UID", Kind::kSet, Argument::kUid},
    {"UNANSWERED", Kind::kLacksFlags, Argument::kFlags, store::kAnswered},
    {"UNDELETED", Kind::kLacksFlags, Argument::kFlags, store::kDeleted},
    {"UNDRAFT", Kind::kLacksFlags, Argument::kFlags, store::kDraft},
    {"UNFLAGGED", Kind::kLacksFlags, Argument::kFlags, store::kFlagged},
    {"UNKEYWORD", Kind::kUnkeyword, Argument::kKeyword},
    {"UNSEEN", Kind::kLacksFlags, Argument::kFlags, store::kSeen},
}};

static_assert(std::is_sorted(kWords.begin(), kWords.end(),
                             [](const Word& a, const Word& b) { return a.name < b.name; }));

const Word* find_word(std::string_view name) {
    constexpr std::size_t kLongest = 10;
    if (name.size() > kLongest) {
        return nullptr;
    }
    const auto upper = to_upper(name);
    const auto* found = std::lower_bound(
        kWords.begin(), kWords.end(), upper,
        [](const Word& word, std::string_view wanted) { return word.name < wanted; });
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
            out.kind = Kind::kSet;
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

    bool argument(const Word& word, SearchKey& out) {
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
                out.children[0].kind = Kind::kRecent;
                out.children[1].kind = Kind::kLacksFlags;
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
