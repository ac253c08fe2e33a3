#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

// How a command ends (RFC 3501 7.1): OK, NO or BAD, a response code, and words for people.
namespace quorate::mail::imap {

// Which changes of the selected mailbox are told before the tagged line (RFC 3501 7.4.1).
enum class Updates {
    kNone,
    kWithoutExpunges,  // FETCH, STORE, SEARCH: sequence numbers stay
    kAll,
};

struct Completion {
    enum class Condition { kOk, kNo, kBad } condition = Condition::kOk;
    std::string code;  // without brackets; may be empty
    std::string text;  // empty: "<command> completed"
    Updates updates = Updates::kAll;
    std::string bye;  // not empty: no tagged line can be sent any more
};

Completion completed(Updates updates);
Completion refused(std::string_view code, std::string_view text);
// A NO for an error of the store, with its response code (RFC 5530).
Completion refused(const Error& error);
Completion bad(std::string_view text);
// The connection cannot be used any more: a response was cut in its middle.
Completion broken(std::string_view text);

bool is_busy(const Error& error);
bool is_missing(const Error& error);  // no such mailbox

}  // namespace quorate::mail::imap
