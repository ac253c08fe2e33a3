#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shadowing/cluster/cluster_node.hpp"
#include "shadowing/cluster/witnesses.hpp"
#include "shadowing/io/mounted_set.hpp"

namespace quorate::shadowing {

struct ClusterSetOptions {
    std::string unit;  // "DSA1"
    std::vector<std::string> disks;
    bool shared = false;   // every node sees all disks itself, and nothing fences it there
    std::string psk_file;  // of served disks
};

// A disk as a set of several nodes names it: "NODE:PATH".
struct DiskPlace {
    std::string node;
    std::string path;
};
std::optional<DiskPlace> parse_disk_place(std::string_view text);

// Which place in the write-intent log a node has: each its own, agreed by the slot's lock.
OpenerSlot slot_of(cluster::NodeId node);

// A shadow set that the nodes of a cluster have mounted at the same time, as this node's opener:
// locks, lease and losses are the node's, generations are remembered by `witness`. Unless the disks
// are shared each is its node's, which serves it to the others: this node's own are `local`. `node`
// with its locks, `witness` and `local` outlive it. Errors: those of find_cluster_set();
// errc::refused.
Result<std::unique_ptr<MountedSet>> open_cluster_set(ClusterNode& node, WitnessKeeper& witness,
                                                     LocalDisks& local, ClusterSetOptions options);
// The set that those of the disks name which this node can look at by itself. Errors: those of
// find_set(); errc::refused, there are none.
Result<Label> find_cluster_set(const ClusterNode& node, const ClusterSetOptions& options);

}  // namespace quorate::shadowing
