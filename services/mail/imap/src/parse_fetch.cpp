#include "parse_fetch.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "atoms.hpp"
#include "base/text.hpp"
#include "render.hpp"

namespace quorate::mail::imap {
namespace {

using ItemKind = FetchItem::Kind;
using message::Section;

constexpr std::size_t kItemsMax = 256;

constexpr std::array<std::pair<std::string_view, ItemKind>, 6> kPlainItems{
    {{"FLAGS", ItemKind::kFlags},
     {"UID", ItemKind::kUid},
     {"INTERNALDATE", ItemKind::kInternalDate},
     {"RFC822.SIZE", ItemKind::kSize},
     {"ENVELOPE", ItemKind::kEnvelope},
     {"BODYSTRUCTURE", ItemKind::kBodystructure}}};

struct Rfc822Item {
    std::string_view name;
    Section section;
    bool peek;
};
constexpr std::array<Rfc822Item, 3> kRfc822Items{
    {{"RFC822", Section::kAll, /*peek=*/false},
     {"RFC822.HEADER", Section::kHeader, /*peek=*/true},
     {"RFC822.TEXT", Section::kText, /*peek=*/false}}};

// Each macro is the one before and more.
constexpr std::array<ItemKind, 5> kMacroItems{ItemKind::kFlags, ItemKind::kInternalDate,
                                              ItemKind::kSize, ItemKind::kEnvelope,
                                              ItemKind::kBody};
constexpr std::array<std::pair<std::string_view, std::size_t>, 3> kMacros{
    {{"FAST", 3}, {"ALL", 4}, {"FULL", 5}}};

struct SectionText {
    std::string_view name;
    Section section;
    FetchSection::Fields fields;
};
constexpr std::array<SectionText, 5> kSectionTexts{
    {{"HEADER", Section::kHeader, FetchSection::Fields::kNone},
     {"HEADER.FIELDS", Section::kHeader, FetchSection::Fields::kThese},
     {"HEADER.FIELDS.NOT", Section::kHeader, FetchSection::Fields::kOthers},
     {"TEXT", Section::kText, FetchSection::Fields::kNone},
     {"MIME", Section::kMime, FetchSection::Fields::kNone}}};

// header-list
bool parse_header_list(Lexer& lexer, FetchSection& out) {
    if (!lexer.space() || !lexer.expect('(', "list of header fields expected")) {
        return false;
    }
    out.label += " (";
    do {
        if (!lexer.astring(out.names.emplace_back())) {
            return false;
        }
        if (out.names.size() > 1) {
            out.label.push_back(' ');
        }
        append_astring(out.label, out.names.back());
    } while (lexer.take(' '));
    out.label.push_back(')');
    return lexer.expect(')', "space or ) expected");
}

// section-msgtext or MIME
bool parse_section_text(Lexer& lexer, FetchSection& out) {
    const auto begin = lexer.at();
    const auto name = lexer.name();
    if (name.empty() && out.path.empty()) {
        return true;
    }
    const auto* text =
        std::find_if(kSectionTexts.begin(), kSectionTexts.end(),
                     [&](const auto& candidate) { return iequals(candidate.name, name); });
    if (text == kSectionTexts.end()) {
        return lexer.fail_at(begin, "unknown section");
    }
    if (text->section == Section::kMime && out.path.empty()) {
        return lexer.fail_at(begin, "MIME needs a part number");
    }
    out.section = text->section;
    out.fields = text->fields;
    out.label += text->name;
    return out.fields == FetchSection::Fields::kNone || parse_header_list(lexer, out);
}

// section-spec behind its "["
bool parse_section_spec(Lexer& lexer, FetchSection& out) {
    bool text_follows = true;
    while (text_follows && is_digit(lexer.peek())) {
        if (!lexer.nonzero_number(out.path.emplace_back())) {
            return false;
        }
        append_number(out.label, out.path.back());
        text_follows = lexer.take('.');
        if (text_follows) {
            out.label.push_back('.');
        }
    }
    return !text_follows || parse_section_text(lexer, out);
}

// "<" number "." nz-number ">" behind its "<"
bool parse_partial(Lexer& lexer, FetchSection& out) {
    FetchSection::Partial partial;
    if (!lexer.number(partial.offset) || !lexer.expect('.', ". expected") ||
        !lexer.nonzero_number(partial.size) || !lexer.expect('>', "> expected")) {
        return false;
    }
    out.partial = partial;
    out.label.push_back('<');
    append_number(out.label, partial.offset);
    out.label.push_back('>');
    return true;
}

bool parse_section(Lexer& lexer, FetchSection& out) {
    out.label = "BODY[";
    if (!parse_section_spec(lexer, out) || !lexer.expect(']', "] expected")) {
        return false;
    }
    out.label.push_back(']');
    return !lexer.take('<') || parse_partial(lexer, out);
}

void add_plain(std::vector<FetchItem>& out, ItemKind kind) { out.emplace_back().kind = kind; }

bool parse_body(Lexer& lexer, bool peek, std::vector<FetchItem>& out) {
    auto& item = out.emplace_back();
    if (!lexer.take('[')) {
        item.kind = ItemKind::kBody;
        return !peek || lexer.fail("[ expected");
    }
    item.kind = ItemKind::kSection;
    item.section.peek = peek;
    return parse_section(lexer, item.section);
}

void add_rfc822(const Rfc822Item& which, std::vector<FetchItem>& out) {
    auto& item = out.emplace_back();
    item.kind = ItemKind::kSection;
    item.section.section = which.section;
    item.section.peek = which.peek;
    item.section.label = which.name;
}

// fetch-att, whose name was read.
bool parse_item(Lexer& lexer, std::string_view name, std::vector<FetchItem>& out) {
    if (out.size() == kItemsMax) {
        return lexer.fail("more than 256 items");
    }
    const bool peek = iequals(name, "BODY.PEEK");
    if (peek || iequals(name, "BODY")) {
        return parse_body(lexer, peek, out);
    }
    for (const auto& [word, kind] : kPlainItems) {
        if (iequals(name, word)) {
            add_plain(out, kind);
            return true;
        }
    }
    for (const auto& item : kRfc822Items) {
        if (iequals(name, item.name)) {
            add_rfc822(item, out);
            return true;
        }
    }
    return lexer.fail_at(lexer.at() - name.size(), "unknown FETCH item");
}

bool expand_macro(std::string_view name, std::vector<FetchItem>& out) {
    for (const auto& [word, items] : kMacros) {
        if (iequals(name, word)) {
            std::for_each_n(kMacroItems.begin(), items,
                            [&](ItemKind kind) { add_plain(out, kind); });
            return true;
        }
    }
    return false;
}

}  // namespace

bool parse_fetch_items(Lexer& lexer, std::vector<FetchItem>& out) {
    if (!lexer.take('(')) {
        const auto name = lexer.name();
        return expand_macro(name, out) || parse_item(lexer, name, out);
    }
    do {
        if (!parse_item(lexer, lexer.name(), out)) {
            return false;
        }
    } while (lexer.take(' '));
    return lexer.expect(')', "space or ) expected");
}

}  // namespace quorate::mail::imap
