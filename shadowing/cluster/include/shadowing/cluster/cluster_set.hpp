#pragma once

#include <memory>
#include <string>
#include <vector>

#include "shadowing/cluster/cluster_node.hpp"
#include "shadowing/cluster/disk_opener.hpp"
#include "shadowing/cluster/witnesses.hpp"
#include "shadowing/io/mounted_set.hpp"

namespace quorate::shadowing {

struct ClusterSetOptions {
    std::string unit;  // "DSA1"
    std::vector<std::string> disks;
    DiskWays ways;
    bool accept_loss = false;  // SetOptions
};

// The set that the labels name which can be read. Errors: errc::refused, they are of several sets,
// or of none.
Result<Label> set_of(const std::vector<SeenDisk>& disks);

// A shadow set that the nodes of a cluster have mounted at the same time, as this node's opener:
// locks, lease and losses are the node's, generations are remembered by `witness`. `label`: one of
// the set's. `node` with its locks, `witness` and `local` outlive it. Errors: errc::refused.
Result<std::unique_ptr<MountedSet>> open_cluster_set(ClusterNode& node, WitnessKeeper& witness,
                                                     LocalDisks& local, const Label& label,
                                                     ClusterSetOptions options);

}  // namespace quorate::shadowing
