#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "base/result.hpp"
#include "cluster/group.hpp"

// Corosync as clusterd sees it: libcpg and libquorum as events on the io_context, and the slow
// questions of the operator's view apart from them. Source: cpg_overview(3), quorum.h,
// votequorum.h, cfg.h of Corosync 3.1.
namespace quorate::cluster {

struct CorosyncHandlers {
    struct Change {
        std::span<const GroupMember> members;
        std::span<const GroupMember> joined;
        std::span<const GroupMember> left;
    };
    // Configuration of the group, in the agreed order of its messages.
    std::function<void(const Change&)> group_changed;
    std::function<void(GroupMember from, std::string_view message)> message;
    // Configuration of the ring below the group: nodes, whether they have the group or not.
    std::function<void(RingId, std::span<const std::uint32_t> nodes)> ring_changed;
    // What votequorum says. Comes in no fixed order relative to the others: compare ring ids.
    std::function<void(bool quorate, RingId, std::span<const std::uint32_t> nodes)> quorum_changed;
    // Corosync ended or cannot be talked to any more. The last call.
    std::function<void(const Error&)> lost;
};

// The connection to the local Corosync, as a member of one process group. Destruction leaves the
// group.
//
// Thread rule: io thread; handlers are called from it, never from within a call of ours, and may
// not destroy it, but for `lost`. Limit: 1,024 messages wait while Corosync's flow control holds
// them back.
class Corosync {
public:
    // Errors: `detail` says what to do (Corosync not running, no permission).
    static Result<std::unique_ptr<Corosync>> join(boost::asio::io_context& io,
                                                  std::string_view group,
                                                  CorosyncHandlers handlers);
    ~Corosync();

    std::uint32_t local_node() const;
    // To every member, the sender included, in agreed order. Errors: too much waits.
    Status multicast(std::string message);

private:
    class Impl;
    explicit Corosync(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// Questions and orders that wait for Corosync's answer: call them on a worker thread. Each opens a
// connection of its own.
struct VoteInfo {
    std::uint32_t node = 0;
    std::uint32_t votes = 0;
    std::uint32_t expected_votes = 0;
    std::uint32_t total_votes = 0;
    std::uint32_t quorum = 0;
    std::uint32_t device_votes = 0;
    std::string device;  // name of the quorum device; empty: none
    bool device_alive = false;
    bool device_casts = false;
    bool quorate = false;
};
Result<VoteInfo> query_votes(std::uint32_t node);

// The model of the quorum device that Corosync's configuration has; empty: none. Whether a program
// casts its votes is another matter: VoteInfo.
Result<std::string> query_device_model();

struct LinkInfo {
    std::uint32_t number = 0;
    bool enabled = false;
    bool connected = false;
    std::string local_address;
    std::string remote_address;
};
Result<std::vector<LinkInfo>> query_links(std::uint32_t node);

// How long a node can be silent before the others drop it: token and consensus timeouts, as they
// are in force.
Result<std::chrono::milliseconds> query_detection_time();

Status set_expected_votes(std::uint32_t votes);
// Corosync reads its configuration again, on every node of the cluster.
Status reload_corosync_configuration();

}  // namespace quorate::cluster
