#pragma once

#include <string>

#include "base/log.hpp"
#include "base/result.hpp"

namespace quorate::cluster {

// What keeps heartbeats on time when the machine is short of memory or processors: memory that is
// not paged out, and precedence. As far as permitted; says what is not. As root, before privileges
// are dropped (`stays_root`: they are not), after the privileged half was started, which must not
// inherit either.
void secure_heartbeats(const Logger& log, bool stays_root);

// Held for the life of the process, whatever its root directory: Corosync's group counts nodes.
// Who may not make the file goes without. Errors: another clusterd of a cluster runs on this node.
Status lock_node();

// Held for the life of the process: two clusterds must not share a state directory. Errors: another
// one runs.
Status lock_directory(const std::string& path, const std::string& user);

}  // namespace quorate::cluster
