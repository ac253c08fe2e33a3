#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::mail::imap {

// A mailbox name pattern of LIST and LSUB (RFC 3501 6.3.8): "*" matches anything, "%" anything but
// the separator. The level INBOX matches in any case (5.1). Time of one match: pattern length times
// name length.
class ListPattern {
public:
    explicit ListPattern(std::string_view pattern);

    bool matches(std::string_view name);
    bool ends_with_percent() const { return pattern_.ends_with('%'); }
    std::size_t size() const { return pattern_.size(); }

private:
    bool advance(char wanted, std::string_view name, std::size_t fold);

    std::string pattern_;
    std::size_t literals_ = 0;
    // reached_[i]: what was looked at of the pattern matches the first i octets of the name.
    std::vector<char> reached_;
};

}  // namespace quorate::mail::imap
