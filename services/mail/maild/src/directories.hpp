#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "config.hpp"

namespace quorate::mail {

// Makes the directory and its parents. Started as root with a `user` to become, what is made here
// belongs to that user; what was there stays as it is.
Status make_directory(const std::string& path, const std::string& user);

// Gives the Unix sockets among `listen`, made as root, to `user`, so that it can remove them at the
// end.
Status give_sockets(const std::vector<ListenConfig>& listen, const std::string& user);

}  // namespace quorate::mail
