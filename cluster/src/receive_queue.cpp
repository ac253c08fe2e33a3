#include "receive_queue.hpp"

#include <utility>

#include "mutation.hpp"

namespace quorate::cluster {

ReceiveQueue::Fate ReceiveQueue::accept(Frame frame) {
    const auto expected = done_ + held_.size() + 1;
    if (frame.sequence < expected && !mutated("deliver_again")) {
        return Fate::kSeen;
    }
    if (frame.sequence > expected) {
        return Fate::kGap;
    }
    if (held_.size() >= kWindowMessages || held_bytes_ + frame.payload.size() > kWindowBytes) {
        return Fate::kTooMuch;
    }
    held_bytes_ += frame.payload.size();
    held_.push_back({frame.channel, frame.epoch, std::move(frame.payload)});
    return Fate::kTaken;
}

std::optional<Message> ReceiveQueue::take(Epoch current) {
    while (!held_.empty()) {
        auto& first = held_.front();
        if (first.epoch > current && !mutated("deliver_early")) {
            return std::nullopt;
        }
        auto message = std::move(first);
        held_.pop_front();
        held_bytes_ -= message.payload.size();
        ++done_;
        if (message.epoch >= current || mutated("accept_old_epochs")) {
            return message;
        }
        ++refused_;
    }
    return std::nullopt;
}

}  // namespace quorate::cluster
