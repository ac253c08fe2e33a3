#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "base/result.hpp"
#include "cluster/lease_reader.hpp"
#include "io/control_client.hpp"
#include "io/thread_pool.hpp"
#include "lockmgr/client/lock_client.hpp"

// This node in its cluster, as shadowd needs it: who it is, until when it may act, locks, the
// shadowds of the other nodes, and what is lost (docs/protocols/shadow-cluster.md).
namespace quorate::shadowing {

// Thread rule: io thread. Lives until the process ends.
class ClusterNode {
public:
    using Answer = io::ControlClient::Answer;
    struct Handlers {
        // This life is over: drop everything and end.
        std::function<void(std::string why)> over;
        // Nothing more of that life may take effect on disks that this node serves; `done` when
        // nothing of it is under way. `epoch`: the first without it, or a later one.
        std::function<void(cluster::MemberId lost, std::uint64_t epoch, std::function<void()> done)>
            fence;
        // Nothing of that life can take effect any more, and its locks are still held.
        std::function<void(cluster::MemberId lost)> lost;
        // It stalls, or runs again.
        std::function<void()> lease_changed;
    };

    ClusterNode(boost::asio::io_context& io, Handlers handlers);
    ~ClusterNode();
    ClusterNode(const ClusterNode&) = delete;
    ClusterNode& operator=(const ClusterNode&) = delete;

    // Waits as long as it takes until clusterd runs, this node is a member, and nothing of an
    // earlier loss is left that this program was not told of. Once.
    boost::asio::awaitable<Status> join();
    bool joined() const { return joined_; }
    // Why not yet.
    const std::string& waits_for() const { return waits_for_; }
    // No takeover waits for this program any more. It may not have joined yet.
    boost::asio::awaitable<void> leave();

    // ---- once it has joined
    boost::asio::io_context& io() { return io_; }
    const std::string& name() const { return name_; }
    cluster::MemberId self() const { return self_; }
    // Drawn by this process.
    std::uint64_t process() const { return process_; }
    // All configured ones, this one included, as of the last look.
    const std::vector<std::string>& nodes() const { return nodes_; }
    // Those of them that are members now. Errors: errc::refused, there is no quorum; those of
    // ControlClient.
    boost::asio::awaitable<Result<std::vector<std::string>>> members();
    cluster::LeaseReader::Lease lease(BootTime now) const { return lease_->check(now); }
    lockmgr::LockClient& locks() { return *locks_; }

    // Of another node's shadowd. Errors: those of ControlClient.
    boost::asio::awaitable<Result<Answer>> ask(std::string node, std::string method,
                                               std::string target, boost::json::value body);
    // What clusterd answers for a node where none runs.
    static bool has_no_shadowd(const Answer& answer);
    // Of a daemon of this node.
    boost::asio::awaitable<Result<Answer>> call(std::string socket, std::string method,
                                                std::string target, boost::json::value body,
                                                std::chrono::milliseconds limit);

private:
    boost::asio::awaitable<Status> try_to_join();
    boost::asio::awaitable<Result<boost::json::object>> look();
    boost::asio::awaitable<bool> is_member();
    boost::asio::awaitable<bool> is_settled();
    boost::asio::awaitable<Status> connect_locks();
    // What clusterd asks as of a fencer.
    struct Fencer {
        std::string path;
        std::string session;  // of its stream; empty: it is not there
        bool guards = false;  // else it is the heir
        bool enlisted = false;
    };
    boost::asio::awaitable<Status> enlist(Fencer& fencer);
    boost::asio::awaitable<void> listen(Fencer& fencer);
    void hear(Fencer& fencer, const std::string& line);
    boost::asio::awaitable<void> confirm(Fencer& fencer, cluster::MemberId lost);
    boost::asio::awaitable<void> resign(Fencer& fencer);
    boost::asio::awaitable<void> watch_lease();

    boost::asio::io_context& io_;
    Handlers handlers_;
    io::ThreadPool threads_;  // requests that wait for their answer
    io::ThreadPool ears_;     // the streams of what is lost
    std::atomic<bool> stopping_ = false;
    std::string waits_for_ = "clusterd does not answer";
    bool joined_ = false;
    bool joining_ = false;
    bool leaving_ = false;
    std::string name_;
    cluster::MemberId self_;
    std::vector<std::string> nodes_;
    std::optional<cluster::LeaseReader> lease_;
    std::unique_ptr<lockmgr::LockClient> locks_;
    std::uint64_t process_;
    Fencer heir_{"/v1/fencers/heir.shadow", "", false};
    Fencer guard_{"/v1/fencers/shadow", "", true};
};

}  // namespace quorate::shadowing
