#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>

#include "base/result.hpp"
#include "cluster/machine.hpp"

namespace quorate::cluster {

// Channels of the circuits that this program knows.
inline constexpr Channel kPingChannel{1};

// Who gets the messages of a channel, and hears what happens to the cluster: the lock manager, say,
// shares the circuits with ping. All handlers are called in the order in which the machine speaks.
struct Consumer {
    // Of a member, or of this node itself; of the current epoch.
    std::function<void(MemberId from, Epoch epoch, std::string_view payload)> message;
    // docs: cluster/view.hpp. Messages of the epoch before are void; who still needs an answer asks
    // again.
    std::function<void(const Event& event)> event;
    // Send this member no more while `on`.
    std::function<void(MemberId to, bool on)> back_pressure;
};

// The registry of consumers, and how they send. Thread rule: io thread. Handlers may send; they are
// not called from within send().
class Messages {
public:
    using Send = std::function<Status(MemberId to, Channel channel, std::string_view payload)>;
    Messages(boost::asio::io_context& io, MemberId self, Send send)
        : io_(io), self_(self), send_(std::move(send)) {}

    // Before the machine runs. One consumer per channel.
    void add(Channel channel, Consumer consumer);
    // Errors: errc::too_large, errc::refused (no member, or its queue is full).
    Status send(MemberId to, Channel channel, std::string_view payload);

    MemberId self() const { return self_; }

    void deliver(const Deliver& message);
    void tell(const Event& event);
    void tell(const BackPressure& pressure);

private:
    boost::asio::io_context& io_;
    MemberId self_;
    Send send_;
    std::map<Channel, Consumer> consumers_;
    Epoch epoch_;
};

}  // namespace quorate::cluster
