#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "base/result.hpp"
#include "shadowing/cluster/cluster_node.hpp"
#include "shadowing/io/witness_file.hpp"
#include "shadowing/mount_plan.hpp"

// Who remembers the generations of a set (docs/protocols/shadow-cluster.md).
namespace quorate::shadowing {

// This node's witness files, one for each set that it has ever heard of. Thread rule: io thread.
class WitnessFiles {
public:
    explicit WitnessFiles(std::string folder) : folder_(std::move(folder)) {}
    // Errors: those of WitnessFile::open().
    Result<WitnessFile*> of(Id128 set);
    // Takes in what another node, or this one, has to say: reservation, then word.
    Result<WitnessBlock> learn(const WitnessBlock& block);

private:
    std::string folder_;
    std::map<std::string, WitnessFile> files_;
};

class WitnessKeeper {
public:
    virtual ~WitnessKeeper() = default;
    virtual boost::asio::awaitable<Witness> read(Id128 set) = 0;
    // Done when it is where every later read() finds it. Errors: too few have it; perhaps some do.
    virtual boost::asio::awaitable<Status> tell(WitnessBlock block) = 0;
};

// The witness files of all configured nodes, of which a majority counts. Of two nodes one counts to
// tell, and both are read: else the loss of one would stop the other.
std::unique_ptr<WitnessKeeper> make_node_witness(ClusterNode& node, WitnessFiles& files);
// The quorum disk, through this node's quorumd.
std::unique_ptr<WitnessKeeper> make_disk_witness(ClusterNode& node);

struct WitnessQuorum {
    std::uint32_t to_tell = 1;
    std::uint32_t to_read = 1;
};
WitnessQuorum witness_quorum(std::size_t nodes);

}  // namespace quorate::shadowing
