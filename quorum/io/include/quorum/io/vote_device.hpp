#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include <boost/asio/io_context.hpp>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "quorum/types.hpp"

// The quorum device of this node's votequorum: stock Corosync 3.1 counts the device's votes as long
// as somebody polls it with cast. Source: votequorum_qdevice_register(3) and its relatives.
namespace quorate::quorum {

struct VoteCount {
    std::uint32_t expected = 0;
    std::uint32_t total = 0;
    std::uint32_t quorum = 0;
    std::uint32_t device = 0;  // votes of the device
    std::string device_name;   // empty: none is registered
    bool alive = false;        // somebody polled lately
    bool casts = false;
    bool quorate = false;
};
// Waits for Corosync: on a worker thread.
Result<VoteCount> count_votes();
// Whether this node's votequorum has heard of all of them, and they are members now; it waits for
// Corosync as well.
Result<bool> are_members(std::span<const std::uint32_t> nodes);

// Thread rule: open(), poll() and leave() wait for Corosync and belong on one worker thread;
// start() and the handlers on the io thread. A Corosync that ended stays lost: open another.
class VoteDevice {
public:
    struct Handlers {
        // votequorum is in a new ring, and waits to be polled with it.
        std::function<void(RingId, std::span<const std::uint32_t> nodes)> ring_changed;
        // Votes may be counted otherwise now.
        std::function<void()> votes_changed;
        std::function<void()> lost;  // the last call
    };

    // Registers this node's device. Errors: errc::refused when another device is registered, in
    // this cluster, which it names.
    static Result<std::unique_ptr<VoteDevice>> open(boost::asio::io_context& io);
    ~VoteDevice();

    void start(Handlers handlers);
    // Not after `before`: looked at last of all. Errors: too late; another ring than votequorum's.
    Status poll(RingId ring, bool cast, BootTime before);
    // The device is no more: nobody waits for it.
    Status leave();

private:
    class Impl;
    explicit VoteDevice(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace quorate::quorum
