#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "base/log.hpp"
#include "cluster/io/corosync.hpp"
#include "cluster/membership.hpp"
#include "io/event.hpp"
#include "io/scope.hpp"
#include "io/thread_pool.hpp"

namespace quorate::cluster {

// Corosync for the machine: joins the group, turns callbacks into inputs, and when Corosync is lost
// or not yet there tries again and again, with growing pauses. Thread rule: io thread.
class GroupShell {
public:
    using Feed = std::function<void(const MembershipInput&)>;
    // Corosync calls this machine by another node id than corosync.conf does: the operator's.
    using Mismatch = std::function<void(std::uint32_t local_node)>;

    GroupShell(boost::asio::io_context& io, io::Scope& scope, io::ThreadPool& workers, NodeId node,
               Feed feed, Mismatch mismatch);
    ~GroupShell();

    // Who says whether quorumd publishes the disk's votes here: then they count.
    void set_disk_published(std::function<bool()> published) {
        disk_published_ = std::move(published);
    }
    // Until stop().
    boost::asio::awaitable<void> run();
    void stop();

    // Dropped while Corosync is not there: the machine begins a new round when it is.
    void multicast(std::string bytes);
    bool connected() const { return corosync_ != nullptr; }
    const std::vector<GroupMember>& members() const { return members_; }
    // Why not, for the operator; empty when connected.
    const std::string& problem() const { return problem_; }
    // Why the votes of Corosync's quorum device do not count here; empty without a device.
    const std::string& device_problem() const { return device_problem_; }

private:
    Status join();
    void on_group(const CorosyncHandlers::Change& change);
    void on_ring(RingId ring);
    void on_quorum(bool quorate, RingId ring);
    void tell_group(std::vector<GroupMember> joined, std::vector<GroupMember> left);
    void quorum_spoke();
    boost::asio::awaitable<void> ask_votes();
    boost::asio::awaitable<void> poll_votes();
    boost::asio::awaitable<void> look_at_device();
    boost::asio::awaitable<bool> pause(std::chrono::milliseconds time);

    boost::asio::io_context& io_;
    io::Scope& scope_;
    io::ThreadPool& workers_;
    NodeId node_;
    Feed feed_;
    Mismatch mismatch_;
    Logger log_;

    std::unique_ptr<Corosync> corosync_;
    std::string problem_;
    std::string device_problem_;
    std::function<bool()> disk_published_;
    bool lost_ = false;
    std::optional<RingId> ring_;
    std::vector<GroupMember> members_;
    struct Quorum {
        bool quorate = false;
        RingId ring;
    };
    std::optional<Quorum> quorum_;  // votequorum's last word
    std::optional<QuorumChanged> told_;
    bool asking_ = false;
    bool ask_again_ = false;
    io::Event wake_;
    bool stopping_ = false;
};

}  // namespace quorate::cluster
