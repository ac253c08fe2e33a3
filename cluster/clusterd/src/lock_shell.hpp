#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/log.hpp"
#include "io/event.hpp"
#include "lockmgr/lock_manager.hpp"
#include "lockmgr/trace.hpp"
#include "messages.hpp"

namespace quorate::cluster {

inline constexpr Channel kLockChannel{2};

// The node's lock manager at work: events of the cluster, messages of its channel, clients'
// requests and its timer in; messages out, several in one where they come together; the rest to who
// serves the clients. Thread rule: io thread.
//
// A message of the channel is one octet and then: 0, packets of the lock manager, each with its
// length (4 octets) before it; or a piece of one that is too long: 1, its beginning, 2, more of it,
// 3, its end.
class LockShell {
public:
    // Who serves the clients; outlives the shell's work.
    struct Limbs {
        std::function<void(MonoTime now, lockmgr::LockOutput& output)> tell_client;
        // What was told goes out now.
        std::function<void()> flush_clients;
    };
    // `trace_bytes`: how much is kept of what the manager was given.
    LockShell(boost::asio::io_context& io, Messages& messages, lockmgr::LockManagerOptions options,
              std::size_t trace_bytes);

    // Before the machine runs.
    void start(Limbs limbs);
    // It runs until then, as far as anybody knows now.
    void set_lease(BootTime until);
    // Any number of inputs, then flush().
    void feed(MonoTime now, const lockmgr::LockInput& input);
    void flush();

    // The trees mastered here go to those who use them. Returns when they have gone, or then.
    boost::asio::awaitable<void> drain(std::chrono::milliseconds limit);

    // Too much waits for members that do not keep up: take no requests until relieved.
    bool congested() const { return waiting_bytes_ > kCongested; }
    boost::asio::awaitable<void> relieved();

    const lockmgr::LockManager& manager() const { return manager_; }
    const lockmgr::LockTrace& trace() const { return trace_; }
    MemberId self() const { return self_; }
    std::uint64_t steps() const { return steps_; }

private:
    static constexpr std::size_t kCongested = 8 << 20;

    struct Outbox {
        std::vector<std::string> packets;
        bool blocked = false;
        bool listed = false;
    };

    void on_event(const Event& event);
    void on_message(MemberId from, std::string_view payload);
    void on_part(MonoTime now, NodeId from, std::uint8_t kind, std::string_view part);
    void on_back_pressure(MemberId to, bool on);
    void on_drained();
    void carry(MonoTime now, lockmgr::LockOutput& output);
    void queue(NodeId to, std::string packet);
    void send_queued(NodeId to, Outbox& outbox);
    bool send(const Member& member, std::string_view payload);
    bool send_long(const Member& member, std::string_view packet);
    void arm_timer();

    boost::asio::io_context& io_;
    Messages& messages_;
    MemberId self_;
    lockmgr::LockTrace trace_;
    lockmgr::LockManager manager_;
    Limbs limbs_;
    Logger log_;
    View view_;
    std::vector<lockmgr::LockOutput> outputs_;
    bool carrying_ = false;
    std::map<NodeId, Outbox> outboxes_;
    std::vector<NodeId> to_send_;
    std::map<NodeId, std::string> parts_;  // of what is too long for one message
    std::size_t waiting_bytes_ = 0;
    io::Event relieved_;
    io::Event drained_;
    boost::asio::steady_timer timer_;
    std::optional<MonoTime> armed_until_;
    std::uint64_t steps_ = 0;
};

}  // namespace quorate::cluster
