#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace quorate::mail::store {

// Texts stand in a database followed by their checksum: SQLite has none, and what delivery computed
// is served without a look at the body.
std::string seal(std::string_view text);
// Errors: damaged. The view points into `sealed`.
Result<std::string_view> unseal(std::string_view sealed);

}  // namespace quorate::mail::store
