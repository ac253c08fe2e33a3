#pragma once

#include <string>

#include "base/result.hpp"

namespace quorate::io {

// Becomes `user` with its groups for good, and makes sure that root cannot be had back. Call after
// binding, before threads start. `group`: what it makes belongs to that one instead of its own.
Status drop_privileges(const std::string& user, const std::string& group = {});

// Before that: gives a file to `user`. Nothing to do when not root or without a user.
Status give_to_user(const std::string& path, const std::string& user);
// Makes the directory and its parents, mode 0750. What is made here belongs to `user` as above;
// what was there stays as it is.
Status make_directory(const std::string& path, const std::string& user);

bool is_root();
// Raises the soft limit of open files to the hard one; returns the limit.
std::size_t raise_open_files();

}  // namespace quorate::io
