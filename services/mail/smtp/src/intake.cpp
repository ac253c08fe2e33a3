#include "intake.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace quorate::mail::smtp {

void Intake::add(std::string octets, std::vector<Action>& actions) {
    if (refusal_ || octets.empty()) {
        return;
    }
    std::optional<Reply> why;
    std::uint64_t good = octets.size();
    if (good > limits_.message_bytes - received_) {
        good = limits_.message_bytes - received_;
        why = replies::kTooBig;
    }
    if (!header_.complete()) {
        const auto room = std::min<std::uint64_t>(good, limits_.header_bytes - header_.size());
        const auto used = header_.feed(std::string_view(octets).substr(0, room));
        if (header_.loop()) {
            good = used;
            why = replies::kLoop;
        } else if (!header_.complete() && room < good) {
            good = room;
            why = replies::kHeaderTooBig;
        }
    }
    octets.resize(good);
    received_ += good;
    store(std::move(octets), actions);
    if (why) {
        refuse(*why, actions);
    }
}

void Intake::store(std::string octets, std::vector<Action>& actions) {
    if (missing_ && !header_.complete()) {
        held_ += octets;
    } else if (!octets.empty()) {
        open(actions);
        give(std::move(octets), actions);
    }
}

void Intake::open(std::vector<Action>& actions) {
    if (std::exchange(open_, true)) {
        return;
    }
    if (missing_) {
        prefix_ += header_.has_date() ? "" : missing_->date;
        prefix_ += header_.has_message_id() ? "" : missing_->message_id;
    }
    give(std::move(prefix_), actions);
    give(std::move(held_), actions);
}

void Intake::give(std::string octets, std::vector<Action>& actions) {
    if (!octets.empty()) {
        stored_ += octets.size();
        given_ = true;
        actions.push_back(BodyData{std::move(octets)});
    }
}

void Intake::finish(std::vector<Action>& actions) {
    if (!refusal_) {
        open(actions);
    }
}

void Intake::refuse(const Reply& reply, std::vector<Action>& actions) {
    if (!refusal_) {
        refusal_ = reply;
        std::string().swap(held_);
        discard(actions);
    }
}

void Intake::discard(std::vector<Action>& actions) {
    if (std::exchange(given_, false)) {
        actions.push_back(BodyDiscard{});
    }
}

}  // namespace quorate::mail::smtp
