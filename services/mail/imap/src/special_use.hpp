#pragma once

#include <optional>
#include <string_view>

#include "mail/store/types.hpp"

// Which mailbox is for what (RFC 6154).
namespace quorate::mail::imap {

// Of an attribute without its backslash, in any case: "Sent".
std::optional<store::SpecialUse> special_use_of(std::string_view attribute);

// What clients mean by a mailbox that they create under this name, kNone for most. \Archive,
// \Drafts, \Junk, \Sent and \Trash have such names; what \All and \Flagged promise, a mailbox of
// its own messages cannot keep.
store::SpecialUse usual_use(std::string_view mailbox);

}  // namespace quorate::mail::imap
