#pragma once

#include <memory>
#include <string>
#include <vector>

#include "shadowing/cluster/cluster_node.hpp"
#include "shadowing/cluster/witnesses.hpp"
#include "shadowing/io/mounted_set.hpp"

namespace quorate::shadowing {

struct ClusterSetOptions {
    std::string unit;  // "DSA1"
    std::vector<std::string> disks;
    bool shared = false;  // every node sees all disks itself, and nothing fences it there
};

// Which place in the write-intent log a node has: each its own, agreed by the slot's lock.
OpenerSlot slot_of(cluster::NodeId node);

// A shadow set that the nodes of a cluster have mounted at the same time, as this node's opener:
// locks, lease and losses are the node's, generations are remembered by `witness`. `node`,
// `witness` and the locks' client outlive it. Errors: those of find_set(); errc::refused.
Result<std::unique_ptr<MountedSet>> open_cluster_set(ClusterNode& node, WitnessKeeper& witness,
                                                     ClusterSetOptions options);

}  // namespace quorate::shadowing
