#pragma once

#include <optional>
#include <string_view>

#include "mail/message/date.hpp"

namespace quorate::mail::imap {

// The day of the Date field (RFC 3501 6.4.4, SENTON), read from the stored ENVELOPE, whose first
// string it is. Nothing when the message has none or none that can be understood.
std::optional<message::Day> sent_day(std::string_view envelope);

}  // namespace quorate::mail::imap
