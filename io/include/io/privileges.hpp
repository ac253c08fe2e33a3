#pragma once

#include <string>

#include "base/result.hpp"

namespace quorate::io {

// Becomes `user` with its groups for good, and makes sure that root cannot be had back. Call after
// binding, before threads start.
Status drop_privileges(const std::string& user);

bool is_root();
// Raises the soft limit of open files to the hard one; returns the limit.
std::size_t raise_open_files();

}  // namespace quorate::io
