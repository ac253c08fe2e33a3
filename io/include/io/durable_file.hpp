#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace quorate::io {

// Small files that must be either as they were or as they are wanted, whenever the power fails.
// Blocking: on a worker thread. Errors: errno's values; `detail` names the file.

// Written beside, flushed, renamed over `path`, the folder flushed.
Status replace_durably(const std::string& path, std::string_view bytes);
Status remove_durably(const std::string& path);
// Nothing when there is no such file. Limit: 1 MiB.
Result<std::optional<std::string>> read_file(const std::string& path);

}  // namespace quorate::io
