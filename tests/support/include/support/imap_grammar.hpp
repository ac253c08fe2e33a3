#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::support {

// What a client must keep count of (RFC 3501 7.3, 7.4).
struct ImapEvent {
    enum class Kind { kExists, kRecent, kExpunge, kFetch } kind = Kind::kExists;
    std::uint64_t number = 0;
};

// Whether `text` is a sequence of whole server responses exactly as RFC 3501 section 9 writes them,
// with the response codes and LIST attributes of RFC 3348, 4315, 5530, 6154 and 7889. Nothing when
// it is; otherwise what was expected, where, and what stands there. Strict: one space where the
// grammar has one, no CHAR that a string form cannot carry, literals of their announced length.
// `events`, if given, gets the message data in its order.
std::optional<std::string> check_imap_responses(std::string_view text,
                                                std::vector<ImapEvent>* events = nullptr);

}  // namespace quorate::support
