#pragma once

#include <string>

#include "api.hpp"

namespace quorate::ctl {

// Where a new password comes from: standard input, a generator (printed once), or the terminal,
// asked twice without echo.
struct PasswordSource {
    bool from_stdin = false;
    bool generate = false;
};

std::string read_password(const Context& context, const PasswordSource& source);

}  // namespace quorate::ctl
