#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::mail::message {

// One element of an address list as ENVELOPE shows it (RFC 3501 7.4.2). A mailbox has a mailbox
// name and a host. The start of a group has the group's name as mailbox and no host; its end has
// neither. Encoded words stay encoded.
struct Address {
    std::optional<std::string> name;
    std::optional<std::string> route;  // RFC 5322 4.4: "@a,@b"
    std::optional<std::string> mailbox;
    std::optional<std::string> host;

    bool operator==(const Address&) const = default;
};

// RFC 5322 3.4 and 4.4, from an unfolded field value. Never fails: garbage yields whatever can be
// made of it. A comment after an address without display name becomes its name. At most `limit`
// elements.
std::vector<Address> parse_addresses(std::string_view value, std::size_t limit = 10'000);

}  // namespace quorate::mail::message
