#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::mail::message {

// One element of an address list, as ENVELOPE shows it (RFC 3501 7.4.2). Quoted strings and
// comments are without their quotes; encoded words (RFC 2047) stay encoded.
struct Address {
    enum class Kind : std::uint8_t {
        kMailbox,     // mailbox or host is empty where the field has none
        kGroupStart,  // `name` is the group's
        kGroupEnd,
    };
    Kind kind = Kind::kMailbox;
    std::string name;
    std::string route;  // RFC 5322 4.4: "@a,@b"
    std::string mailbox;
    std::string host;

    bool operator==(const Address&) const = default;
};

// RFC 5322 3.4 and 4.4, from an unfolded field value. Never fails: garbage yields whatever can be
// made of it, every group that starts ends. A comment beside an address without display name
// becomes its name. A semicolon separates like a comma, a display name may contain an unquoted
// address. At most `limit` mailboxes and groups.
std::vector<Address> parse_addresses(std::string_view value, std::size_t limit = 10'000);

}  // namespace quorate::mail::message
