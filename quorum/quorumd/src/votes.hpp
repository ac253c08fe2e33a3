#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "base/log.hpp"
#include "io/event.hpp"
#include "io/scope.hpp"
#include "io/thread_pool.hpp"
#include "quorum/io/vote_device.hpp"
#include "quorum/voter.hpp"

namespace quorate::quorum {

// votequorum as the voter needs it: there again when Corosync was started anew, and asked on a
// thread of its own, so that a Corosync that hangs hangs nobody else. Thread rule: io thread.
class Votes {
public:
    using Feed = std::function<void(const VoterInput&)>;
    Votes(boost::asio::io_context& io, io::Scope& scope, io::ThreadPool& corosync, Feed feed);

    // The first registration, when all of `nodes` are members, or some have not come for a while.
    // Errors: those of VoteDevice::open.
    boost::asio::awaitable<Status> open(std::vector<std::uint32_t> nodes);
    // Keeps it registered, and feeds rings.
    boost::asio::awaitable<void> run();
    void poll(const Poll& poll);
    // Nobody is to wait for this device any more. Polls no more.
    boost::asio::awaitable<void> leave();

    // As of the last change, or the last poll.
    const VoteCount& count() const { return count_; }
    // Why votequorum cannot be asked just now; empty: it can.
    const std::string& problem() const { return problem_; }
    // The last poll that votequorum took cast no vote.
    bool withdrawn() const { return withdrawn_; }
    RingId ring() const { return ring_; }

private:
    boost::asio::awaitable<Status> open();
    boost::asio::awaitable<void> await_others();
    void start();
    void on_ring(RingId ring, std::span<const std::uint32_t> nodes);
    boost::asio::awaitable<void> carry_out(Poll poll);
    boost::asio::awaitable<void> recount();

    boost::asio::io_context& io_;
    io::Scope& scope_;
    io::ThreadPool& corosync_;
    Feed feed_;
    io::Event wake_;
    std::shared_ptr<VoteDevice> device_;  // the other owner is a job on the worker thread
    VoteCount count_;
    std::string problem_;
    RingId ring_;
    std::vector<std::uint32_t> nodes_;  // configured
    bool withdrawn_ = false;
    bool lost_ = false;
    bool stale_ = false;  // the count
    bool leaving_ = false;
    Logger log_;
};

}  // namespace quorate::quorum
