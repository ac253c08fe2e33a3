#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "io/uring.hpp"
#include "shadowing/cluster/cluster_node.hpp"
#include "shadowing/io/local_disk.hpp"
#include "shadowing/io/member.hpp"
#include "shadowing/label.hpp"

// How a node reaches the disks of a set that several nodes have mounted
// (docs/protocols/shadow-cluster.md).
namespace quorate::shadowing {

// A disk that a node serves, as its set names it: "NODE:PATH".
struct DiskPlace {
    std::string node;
    std::string path;
};
std::optional<DiskPlace> parse_disk_place(std::string_view text);

// Which place in the write-intent log a node has: each its own, agreed by the slot's lock.
OpenerSlot slot_of(cluster::NodeId node);

struct DiskWays {
    bool shared = false;   // every node sees all disks itself, and nothing fences it there
    std::string psk_file;  // of served disks
    bool looks = false;    // reads labels, and nothing more
};

// `node`, once it has joined, and `local` outlive it. Thread rule: io thread.
class DiskOpener {
public:
    DiskOpener(ClusterNode& node, LocalDisks& local, DiskWays ways);
    ~DiskOpener();

    // `set`: which the disk has to be of; zero: any. `done` is called once, perhaps before the call
    // returned, unless this is destroyed first. Errors: those of the members of member.hpp,
    // served_member.hpp and rados_member.hpp; errc::refused, nobody serves it.
    void open(io::Uring& ring, Id128 set, const std::string& disk, Opened done);

private:
    struct Link;
    ClusterNode& node_;
    LocalDisks& local_;
    DiskWays ways_;
    std::shared_ptr<Link> link_;  // shared with what waits for other nodes
};

// What a disk says of its set; `problem`: why nothing.
struct SeenDisk {
    std::string name;
    std::optional<Label> label;
    std::string problem;
};
enum class LookFor : std::uint8_t { kAll, kAny };
// Opens all of them and reads their labels; those that do not answer in time have a problem. kAny:
// once one has told a little while is enough for the others.
boost::asio::awaitable<std::vector<SeenDisk>> look_at_disks(ClusterNode& node, LocalDisks& local,
                                                            DiskWays ways,
                                                            std::vector<std::string> disks,
                                                            LookFor what);

}  // namespace quorate::shadowing
