#include "names.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "mail/store/errc.hpp"
#include "mail/store/types.hpp"

namespace quorate::mail::store {

Result<std::string> canonical_name(std::string_view name) {
    const auto refuse = [&](const char* why) {
        return fail(errc::mailbox_name_invalid, std::string(why) + ": " + printable(name, 80));
    };
    if (name.empty() || name.size() > kNameBytesMax) {
        return refuse("length of a mailbox name");
    }
    if (!is_valid_utf8(name)) {
        return refuse("mailbox name is not UTF-8");
    }
    if (std::any_of(name.begin(), name.end(),
                    [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) {
        return refuse("control character in a mailbox name");
    }
    const auto levels = split(name, '/');
    if (levels.size() > kNameLevelsMax) {
        return refuse("too many levels in a mailbox name");
    }
    if (std::any_of(levels.begin(), levels.end(),
                    [](std::string_view level) { return level.empty(); })) {
        return refuse("empty level in a mailbox name");
    }
    std::string canonical(name);
    if (iequals(levels.front(), "INBOX")) {
        canonical.replace(0, 5, "INBOX");
    }
    return canonical;
}

std::vector<std::string> parents_of(std::string_view name) {
    std::vector<std::string> parents;
    for (auto at = name.find('/'); at != std::string_view::npos; at = name.find('/', at + 1)) {
        parents.emplace_back(name.substr(0, at));
    }
    return parents;
}

bool is_below(std::string_view name, std::string_view parent) {
    return name.size() > parent.size() && name.starts_with(parent) && name[parent.size()] == '/';
}

std::string_view special_use_name(SpecialUse use) {
    switch (use) {
        case SpecialUse::kNone:
            return "";
        case SpecialUse::kAll:
            return "\\All";
        case SpecialUse::kArchive:
            return "\\Archive";
        case SpecialUse::kDrafts:
            return "\\Drafts";
        case SpecialUse::kFlagged:
            return "\\Flagged";
        case SpecialUse::kJunk:
            return "\\Junk";
        case SpecialUse::kSent:
            return "\\Sent";
        case SpecialUse::kTrash:
            return "\\Trash";
    }
    return "";
}

Status check_keyword(std::string_view keyword) {
    const auto special = [](char c) {
        return static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f ||
               std::string_view("(){%*\"\\]").find(c) != std::string_view::npos;
    };
    if (keyword.empty() || keyword.size() > kKeywordBytesMax ||
        std::any_of(keyword.begin(), keyword.end(), special)) {
        return fail(errc::keyword_invalid, printable(keyword, 80));
    }
    return {};
}

}  // namespace quorate::mail::store
