#pragma once

#include <string>

#include "base/result.hpp"

namespace quorate::io {

// Makes and locks a file (flock) until this process ends or becomes another program; children that
// were forked later hold it too. Belongs to `user` (give_to_user). False: another process holds it.
Result<bool> hold_lock_file(const std::string& path, const std::string& user = {});

}  // namespace quorate::io
