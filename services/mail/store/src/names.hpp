#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace quorate::mail::store {

inline constexpr std::size_t kNameBytesMax = 512;
inline constexpr std::size_t kNameLevelsMax = 32;

// The name as the store keeps it: a first level that reads INBOX in any case is INBOX (RFC 3501
// 5.1). Errors: mailbox_name_invalid.
Result<std::string> canonical_name(std::string_view name);
// "a/b/c" -> "a", "a/b"
std::vector<std::string> parents_of(std::string_view name);
bool is_below(std::string_view name, std::string_view parent);

// RFC 3501 9: flag-keyword is an atom. Errors: keyword_invalid.
Status check_keyword(std::string_view keyword);

}  // namespace quorate::mail::store
