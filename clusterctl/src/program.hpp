#pragma once

#include <functional>
#include <string>
#include <vector>

namespace quorate::ctl {

// What is common to the operator's programs: the environment, failures as text or JSON, exit codes.

// QUORATE_ROOT, or "".
std::string default_root();

// `run` gets the arguments and says, as soon as it is known, whether answers are JSON, for what
// fails afterwards. Returns the exit code.
int run_program(const char* name, std::vector<std::string> arguments,
                const std::function<int(std::vector<std::string>, bool& as_json)>& run);

}  // namespace quorate::ctl
