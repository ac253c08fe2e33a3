#include "lockmgr/protocol/client_link.hpp"

#include <utility>

namespace quorate::lockmgr {

void ClientLink::hello(std::uint32_t priority) {
    wire::Hello hello;
    hello.priority = priority;
    wire::append(out_, hello);
}

ClientLink::Begun ClientLink::enqueue(wire::Enqueue enqueue) {
    if (free_.empty()) {
        free_.push_back(static_cast<wire::LockNumber>(slots_.size()));
        slots_.emplace_back();
    }
    enqueue.lock = free_.back();
    free_.pop_back();
    // 0 marks a free number.
    last_request_ += last_request_ == UINT32_MAX ? 1U : 0U;
    enqueue.request = ++last_request_;
    slots_[enqueue.lock] = {enqueue.request, enqueue.parent};
    wire::append(out_, enqueue);
    return {enqueue.lock, enqueue.request};
}

void ClientLink::receive(std::string_view bytes) {
    if (taken_ == in_.size()) {
        in_.clear();
        taken_ = 0;
    }
    in_.append(bytes);
}

Result<std::optional<wire::Answer>> ClientLink::next() {
    const auto rest = std::string_view(in_).substr(taken_);
    QUORATE_TRY(const auto frame, wire::first_frame(rest, wire::kMaxAnswer));
    if (frame.empty()) {
        in_.erase(0, std::exchange(taken_, 0));
        return std::optional<wire::Answer>();
    }
    taken_ += wire::kLength + frame.size();
    QUORATE_TRY(auto answer, wire::decode_answer(frame));
    if (const auto* completion = std::get_if<wire::Completion>(&answer)) {
        settle(*completion);
    }
    return std::optional<wire::Answer>(std::move(answer));
}

// A lock has ended when it was released, or never began.
void ClientLink::settle(const wire::Completion& completion) {
    const auto number = completion.lock;
    const auto status = completion.outcome.status;
    if (const auto sweeping = sweeps_.find(completion.request);
        number == 0 && sweeping != sweeps_.end()) {
        if (status == LockStatus::kUnlocked) {
            sweep(sweeping->second, completion.request);
        }
        sweeps_.erase(sweeping);
        return;
    }
    if (number == 0 || number >= slots_.size() || slots_[number].born == 0) {
        return;
    }
    const auto born = slots_[number].born;
    const bool unborn = completion.request == born && status != LockStatus::kGranted;
    // A release that was asked for before this lock was: of the number's last lock.
    const bool late = static_cast<std::int32_t>(completion.request - born) < 0;
    if (unborn || (status == LockStatus::kUnlocked && !late)) {
        release(number);
    }
}

// What was asked for after it stays.
void ClientLink::sweep(wire::LockNumber top, wire::RequestNumber request) {
    std::vector<wire::LockNumber> below;
    for (wire::LockNumber number = 1; number < slots_.size(); ++number) {
        auto above = slots_[number].parent;
        while (above != 0 && above != top) {
            above = slots_[above].parent;
        }
        const bool later = static_cast<std::int32_t>(slots_[number].born - request) > 0;
        if (slots_[number].born != 0 && !later && number != top && above == top) {
            below.push_back(number);
        }
    }
    for (const auto number : below) {
        release(number);
    }
}

void ClientLink::release(wire::LockNumber number) {
    slots_[number] = Slot{};
    free_.push_back(number);
}

}  // namespace quorate::lockmgr
