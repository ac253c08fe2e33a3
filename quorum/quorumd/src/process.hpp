#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"

namespace quorate::quorum {

// Held for the life of the process, whatever its root directory: votequorum takes any two for one,
// and the last that polls wins. Errors: another quorumd runs on this node.
Status lock_node();

// Memory that is not paged out, and real-time scheduling: a lease must be renewed on a busy machine
// too. As far as permitted; says what is not.
void secure_time(const Logger& log);

// Whether a process of this name runs on this node (in this PID namespace).
bool program_runs(std::string_view name);

// Other programs on this node that want to be what quorumd is, named with what to do; empty: none.
// `sync_timeout_ms`: SBD trusts no quorum that may be older than its own watchdog allows.
std::string rival_programs(bool watchdog_mode, long sync_timeout_ms);

// The machine starts anew, at once and without a farewell.
void reset_machine();

}  // namespace quorate::quorum
