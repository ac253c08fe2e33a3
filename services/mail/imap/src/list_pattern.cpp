#include "list_pattern.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace quorate::mail::imap {
namespace {

bool is_wildcard(char c) { return c == '*' || c == '%'; }

// How many octets of the name compare without case.
std::size_t folded_octets(std::string_view name) {
    constexpr std::string_view kInbox = "INBOX";
    return name == kInbox || name.starts_with("INBOX/") ? kInbox.size() : 0;
}

}  // namespace

ListPattern::ListPattern(std::string_view pattern) {
    for (const char c : pattern) {
        if (!is_wildcard(c)) {
            ++literals_;
            pattern_.push_back(c);
        } else if (pattern_.empty() || !is_wildcard(pattern_.back())) {
            pattern_.push_back(c);
        } else if (c == '*') {
            pattern_.back() = '*';  // a run of wildcards means the widest of them
        }
    }
}

bool ListPattern::matches(std::string_view name) {
    if (literals_ > name.size()) {
        return false;
    }
    reached_.assign(name.size() + 1, 0);
    reached_[0] = 1;
    const auto fold = folded_octets(name);
    return std::all_of(pattern_.begin(), pattern_.end(),
                       [&](char wanted) { return advance(wanted, name, fold); }) &&
           reached_.back() != 0;
}

// One character of the pattern; false when nothing can match any more.
bool ListPattern::advance(char wanted, std::string_view name, std::size_t fold) {
    if (is_wildcard(wanted)) {
        for (std::size_t i = 0; i < name.size(); ++i) {
            if (reached_[i] != 0 && (wanted == '*' || name[i] != '/')) {
                reached_[i + 1] = 1;
            }
        }
        return true;
    }
    bool any = false;
    for (std::size_t i = name.size(); i > 0; --i) {
        const char c = name[i - 1];
        const bool same = c == wanted || (i <= fold && c == to_upper(wanted));
        reached_[i] = reached_[i - 1] != 0 && same ? 1 : 0;
        any = any || reached_[i] != 0;
    }
    reached_[0] = 0;
    return any;
}

}  // namespace quorate::mail::imap
