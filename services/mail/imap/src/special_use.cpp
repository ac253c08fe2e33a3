#include "special_use.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.hpp"

namespace quorate::mail::imap {
namespace {

using store::SpecialUse;

// The names of Thunderbird, Apple Mail and Outlook beside the attributes' own.
constexpr std::array<std::pair<std::string_view, SpecialUse>, 14> kUsualNames{{
    {"Archive", SpecialUse::kArchive},
    {"Archives", SpecialUse::kArchive},
    {"Drafts", SpecialUse::kDrafts},
    {"Junk", SpecialUse::kJunk},
    {"Junk E-mail", SpecialUse::kJunk},
    {"Junk Email", SpecialUse::kJunk},
    {"Spam", SpecialUse::kJunk},
    {"Sent", SpecialUse::kSent},
    {"Sent Items", SpecialUse::kSent},
    {"Sent Mail", SpecialUse::kSent},
    {"Sent Messages", SpecialUse::kSent},
    {"Trash", SpecialUse::kTrash},
    {"Deleted Items", SpecialUse::kTrash},
    {"Deleted Messages", SpecialUse::kTrash},
}};

}  // namespace

std::optional<SpecialUse> special_use_of(std::string_view attribute) {
    for (const auto use :
         {SpecialUse::kAll, SpecialUse::kArchive, SpecialUse::kDrafts, SpecialUse::kFlagged,
          SpecialUse::kJunk, SpecialUse::kSent, SpecialUse::kTrash}) {
        if (iequals(special_use_name(use).substr(1), attribute)) {
            return use;
        }
    }
    return std::nullopt;
}

SpecialUse usual_use(std::string_view mailbox) {
    const auto found =
        std::find_if(kUsualNames.begin(), kUsualNames.end(),
                     [mailbox](const auto& usual) { return iequals(usual.first, mailbox); });
    return found == kUsualNames.end() ? SpecialUse::kNone : found->second;
}

}  // namespace quorate::mail::imap
