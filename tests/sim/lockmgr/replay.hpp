#pragma once

#include <string>
#include <string_view>

namespace quorate::lockmgr::simulator {

// Gives a new lock manager what the trace has (lockmgr/trace.hpp); says where it did something else
// than the traced one, nothing if it never did. A trace that has lost its beginning is only run.
std::string replay(std::string_view trace, bool tell = false);

}  // namespace quorate::lockmgr::simulator
