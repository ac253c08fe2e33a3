#pragma once

#include <string>
#include <string_view>

#include "mail/message/structure.hpp"

namespace quorate::mail::message {

// ENVELOPE of a message with this header block (RFC 3501 7.4.2), as wire text with parentheses. Of
// repeated Date, Subject, In-Reply-To and Message-ID fields the last counts; repeated address
// fields add up.
std::string render_envelope(std::string_view header, const Limits& limits);

// The envelope of a message without any field.
std::string_view empty_envelope();

}  // namespace quorate::mail::message
