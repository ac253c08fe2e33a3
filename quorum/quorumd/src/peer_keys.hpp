#pragma once

#include "parts.hpp"

namespace quorate::quorum {

// The key under which this node speaks with the others: the one of the configuration, else the
// cluster key, else Corosync's, which every cluster with encryption has on all nodes. Without any
// there are no peers: then nobody notices a disk that shows each node a page of its own, a node
// without a path to it has no vote of it, and the device must be set up node by node.
void open_peers(Parts& parts);
// They may be spoken with once it is known which node this is. Idempotent.
void start_peers(Parts& parts);

}  // namespace quorate::quorum
