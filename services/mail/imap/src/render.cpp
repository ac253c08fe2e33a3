#include "render.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "atoms.hpp"
#include "base/text.hpp"
#include "mail/message/wire.hpp"

namespace quorate::mail::imap {
namespace {

struct SystemFlag {
    store::FlagBits bit;
    std::string_view name;
};
constexpr std::array<SystemFlag, 5> kSystemFlagNames{{{store::kAnswered, "\\Answered"},
                                                      {store::kFlagged, "\\Flagged"},
                                                      {store::kDeleted, "\\Deleted"},
                                                      {store::kSeen, "\\Seen"},
                                                      {store::kDraft, "\\Draft"}}};

void append_word(std::string& out, std::string_view word, bool& first) {
    if (!first) {
        out.push_back(' ');
    }
    first = false;
    out.append(word);
}

}  // namespace

void append_number(std::string& out, std::uint64_t value) {
    std::array<char, 20> digits{};
    const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    out.append(digits.data(), result.ptr);
}

bool is_quotable(std::string_view text) {
    return std::all_of(text.begin(), text.end(), is_text_char);
}

void append_literal(std::string& out, std::string_view octets) {
    out.push_back('{');
    append_number(out, octets.size());
    out.append("}\r\n");
    out.append(octets);
}

void append_string(std::string& out, std::string_view text) {
    if (is_quotable(text)) {
        message::append_quoted(out, text);
    } else {
        append_literal(out, text);
    }
}

void append_astring(std::string& out, std::string_view text) {
    const bool is_atom = !text.empty() && std::all_of(text.begin(), text.end(), is_astring_char);
    if (is_atom && !iequals(text, "NIL")) {
        out.append(text);
    } else {
        append_string(out, text);
    }
}

void append_flags(std::string& out, const RenderedFlags& flags) {
    bool first = true;
    for (const auto& [bit, name] : kSystemFlagNames) {
        if ((flags.flags & bit) != 0) {
            append_word(out, name, first);
        }
    }
    if (flags.recent) {
        append_word(out, "\\Recent", first);
    }
    // The loop ends with the last bit, not with the last keyword: most messages have none.
    auto keywords = flags.flags >> store::kFirstKeyword;
    for (std::size_t i = 0; keywords != 0 && i < flags.keywords.size(); ++i, keywords >>= 1) {
        if ((keywords & 1) != 0) {
            append_word(out, flags.keywords[i], first);
        }
    }
}

void append_flag_list(std::string& out, const RenderedFlags& flags) {
    out.push_back('(');
    append_flags(out, flags);
    out.push_back(')');
}

void append_uid_set(std::string& out, std::span<const store::Uid> uids) {
    for (std::size_t i = 0; i < uids.size();) {
        std::size_t last = i;
        while (last + 1 < uids.size() && uids[last + 1] == uids[last] + 1) {
            ++last;
        }
        if (i > 0) {
            out.push_back(',');
        }
        append_number(out, uids[i]);
        if (last > i) {
            out.push_back(':');
            append_number(out, uids[last]);
        }
        i = last + 1;
    }
}

}  // namespace quorate::mail::imap
