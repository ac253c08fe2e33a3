#include "messages.hpp"

#include <utility>

#include <boost/asio/post.hpp>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "cluster/errc.hpp"

namespace quorate::cluster {

void Messages::add(Channel channel, Consumer consumer) {
    const bool added = consumers_.emplace(channel, std::move(consumer)).second;
    QUORATE_ASSERT(added);
}

Status Messages::send(MemberId to, Channel channel, std::string_view payload) {
    if (to != self_) {
        return send_(to, channel, payload);
    }
    if (payload.size() > kMaxMessage) {
        return fail(errc::too_large, "message");
    }
    boost::asio::post(io_, [this, message = Deliver{self_, channel, epoch_, std::string(payload)}] {
        if (message.epoch == epoch_) {
            deliver(message);
        }
    });
    return {};
}

void Messages::deliver(const Deliver& message) {
    const auto found = consumers_.find(message.channel);
    if (found == consumers_.end()) {
        Logger().warn("message_for_nobody", "channel", message.channel.value(), "node",
                      message.from.node.value());
        return;
    }
    found->second.message(message.from, message.epoch, message.payload);
}

void Messages::tell(const Event& event) {
    if (const auto* committed = std::get_if<ViewCommitted>(&event)) {
        epoch_ = committed->view.epoch;
    }
    for (const auto& [channel, consumer] : consumers_) {
        if (consumer.event) {
            consumer.event(event);
        }
    }
}

void Messages::tell(const BackPressure& pressure) {
    for (const auto& [channel, consumer] : consumers_) {
        if (consumer.back_pressure) {
            consumer.back_pressure(pressure.to, pressure.on);
        }
    }
}

}  // namespace quorate::cluster
