#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

// Files of this machine that are either as they were or as they are wanted, whenever the power
// fails. Errors: errno's values; `detail` names the file.
namespace quorate::ctl {

// Nothing when there is no such file. Limit: 4 MiB.
Result<std::optional<std::string>> read_file(const std::string& path);

// Written beside, flushed and renamed over `path`; folders are made. A file that is there keeps its
// mode and owner, a new one gets `mode`.
Status replace_file(const std::string& path, std::string_view text, unsigned mode);

// Renames the file to path.old, or path.old.2 and so on when that is taken; the new name, or
// nothing when there is no such file.
Result<std::optional<std::string>> put_aside(const std::string& path);
// The same as a copy: the file stays.
Result<std::optional<std::string>> keep_copy(const std::string& path);

// Whether a file could be made at `path` now: refused before anything is done.
Status writable(const std::string& path);

}  // namespace quorate::ctl
