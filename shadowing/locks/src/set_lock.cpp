#include "shadowing/locks/set_lock.hpp"

#include <utility>

#include "base/assert.hpp"
#include "shadowing/locks/lock_value.hpp"

namespace quorate::shadowing {
namespace {

using lockmgr::LockMode;
using lockmgr::LockStatus;

// Waiting here is no waiting for somebody who waits: openers give way by the machine's rules.
constexpr auto kFlags = lockmgr::flag::NODLCKWT | lockmgr::flag::NODLCKBLK;

}  // namespace

SetLockOutputs SetLock::ask(const Lock& lock) {
    SetLockOutputs out;
    asked_.push_back(lock);
    if (std::exchange(waits_, false)) {
        state_ = State::kReplaced;
        held_ = false;
        blocks_ = false;
        out.emplace_back(ReleaseLock{});
    }
    work(out);
    return out;
}

void SetLock::work(SetLockOutputs& out) {
    while (state_ == State::kIdle && !asked_.empty()) {
        next_ = std::move(asked_.front());
        asked_.pop_front();
        if (next_.hold != Hold::kNone) {
            begin(next_, out);
        } else if (std::exchange(held_, false)) {
            out.emplace_back(ReleaseLock{});
        }
    }
}

// In NL, to be converted: then it can be given up whatever it waits for.
void SetLock::begin(const Lock& next, SetLockOutputs& out) {
    if (held_) {
        convert(next, out);
        return;
    }
    state_ = State::kTaking;
    out.emplace_back(TakeLock{kFlags | lockmgr::flag::PERSISTENT | lockmgr::flag::EXPEDITE});
}

void SetLock::convert(const Lock& next, SetLockOutputs& out) {
    const auto mode = mode_of(next.hold);
    const bool up = mode > mode_;
    if (up && !asked_.empty()) {
        return;  // what was asked since takes its place
    }
    waits_ = up;
    state_ = State::kConverting;
    if (next.value && mode < mode_) {
        out.emplace_back(ConvertLock{mode, lockmgr::flag::VALBLK, encode_value(*next.value)});
        return;
    }
    auto flags = kFlags | (next.no_wait ? lockmgr::flag::NOQUEUE : 0U);
    if (name_.kind == LockKind::kMembership && up) {
        flags |= lockmgr::flag::VALBLK;
    }
    out.emplace_back(ConvertLock{mode, flags, std::nullopt});
}

SetLockOutputs SetLock::ended(const LockEnd& end) {
    SetLockOutputs out;
    const auto state = std::exchange(state_, State::kIdle);
    if (state == State::kTaking) {
        held_ = end.held;
        mode_ = LockMode::NL;
        if (held_) {
            convert(next_, out);
        } else {
            state_ = State::kPausing;
            out.emplace_back(LockRefused{end.status});
        }
    } else if (state == State::kConverting) {
        waits_ = false;
        converted(end, out);
    } else {
        QUORATE_ASSERT(state == State::kReplaced);
    }
    work(out);
    if (state_ == State::kIdle) {
        blocks_ = false;
    }
    return out;
}

void SetLock::converted(const LockEnd& end, SetLockOutputs& out) {
    if (end.status == LockStatus::kGranted) {
        mode_ = mode_of(next_.hold);
        const auto value = decode_value(end.value, end.value_valid);
        out.emplace_back(SetInput(Locked{name_, next_.hold, value.state, value.word}));
        if (std::exchange(blocks_, false)) {
            out.emplace_back(SetInput(Blocking{name_}));
        }
    } else if (end.status == LockStatus::kNotQueued) {
        if (mode_ == LockMode::NL) {
            held_ = false;
            out.emplace_back(ReleaseLock{});
        }
        out.emplace_back(SetInput(LockDenied{name_}));
    } else {
        held_ = end.held;
        state_ = State::kPausing;
        out.emplace_back(LockRefused{end.status});
    }
}

SetLockOutputs SetLock::again() {
    SetLockOutputs out;
    state_ = State::kIdle;
    if (asked_.empty()) {
        asked_.push_back(next_);
    }  // else what was asked since takes its place
    work(out);
    return out;
}

SetLockOutputs SetLock::blocking() {
    blocks_ = state_ != State::kIdle;
    SetLockOutputs out;
    out.emplace_back(SetInput(Blocking{name_}));
    return out;
}

}  // namespace quorate::shadowing
