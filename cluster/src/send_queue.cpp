#include "send_queue.hpp"

#include <algorithm>
#include <utility>

#include "frame.hpp"
#include "mutation.hpp"

namespace quorate::cluster {

void SendQueue::push(Channel channel, Epoch epoch, std::string_view payload) {
    auto frame = std::make_shared<std::string>();
    frame->reserve(kFrameHeader + payload.size());
    append_frame(*frame, FrameType::kMessage, epoch, acknowledged_ + entries_.size() + 1, payload,
                 channel);
    bytes_ += frame->size();
    entries_.push_back({channel, epoch, std::move(frame)});
}

const std::shared_ptr<const std::string>* SendQueue::next() const {
    if (flight_messages() >= std::min(entries_.size(), kWindowMessages)) {
        return nullptr;
    }
    const auto& frame = entries_[flight_messages()].frame;
    const bool fits = flight_bytes_ == 0 || flight_bytes_ + frame->size() <= kWindowBytes;
    return fits ? &frame : nullptr;
}

bool SendQueue::advance() {
    flight_bytes_ += entries_[flight_messages()].frame->size();
    const bool again = cursor_ <= sent_;
    sent_ = std::max(sent_, cursor_++);
    return again;
}

void SendQueue::rewind() {
    if (mutated("forget_unacknowledged")) {
        return;
    }
    cursor_ = acknowledged_ + 1;
    flight_bytes_ = 0;
}

bool SendQueue::acknowledge(std::uint64_t sequence) {
    if (sequence > sent_) {
        return false;
    }
    while (acknowledged_ < sequence) {
        const auto size = entries_.front().frame->size();
        entries_.pop_front();
        bytes_ -= size;
        ++acknowledged_;
        if (acknowledged_ < cursor_) {
            flight_bytes_ -= size;
        } else {
            cursor_ = acknowledged_ + 1;
        }
    }
    return true;
}

void SendQueue::drop_unsent() {
    while (acknowledged_ + entries_.size() > sent_) {
        bytes_ -= entries_.back().frame->size();
        entries_.pop_back();
    }
}

void SendQueue::restart(Epoch since) {
    const auto old = std::exchange(*this, SendQueue());
    for (const auto& entry : old.entries_) {
        if (entry.epoch >= since) {
            push(entry.channel, entry.epoch, std::string_view(*entry.frame).substr(kFrameHeader));
        }
    }
}

}  // namespace quorate::cluster
