#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "lockspace.hpp"

namespace quorate::lockmgr::libdlm {

int Lockspace::status_of(LockStatus status) {
    switch (status) {
        case LockStatus::kGranted:
            return 0;
        case LockStatus::kUnlocked:
            return EUNLOCK;
        case LockStatus::kNotQueued:
        case LockStatus::kOrphanOtherMode:
            return EAGAIN;
        case LockStatus::kCancelled:
            return ECANCEL;
        case LockStatus::kDeadlock:
            return EDEADLK;
        case LockStatus::kTimedOut:
            return ETIMEDOUT;
        case LockStatus::kNoRights:
            return EACCES;
        case LockStatus::kOverLimit:
            return ENOMEM;
        case LockStatus::kBusy:
        case LockStatus::kParentNotGranted:
            return EBUSY;
        case LockStatus::kNoSuchLock:
        case LockStatus::kNoOrphan:
            return ENOENT;
        case LockStatus::kHasSublocks:
            return ENOTEMPTY;
        case LockStatus::kExists:
            return EEXIST;
        case LockStatus::kRevoked:
        case LockStatus::kNoQuorum:
            return ENOTCONN;
        case LockStatus::kNothingToCancel:
        case LockStatus::kInvalid:
        case LockStatus::kTooDeep:
            return EINVAL;
    }
    return EINVAL;
}

// ---- who reads, who runs ASTs

// One thread reads; the others that wait look again when it has.
void Lockspace::read(Guard& guard, bool block) {
    if (reading_) {
        if (block) {
            changed_.wait(guard);
        }
        return;
    }
    reading_ = true;
    guard.unlock();
    const bool ready = channel_.wait(block);
    guard.lock();
    if (!lost_) {
        flush();
        const auto bytes =
            ready ? channel_.receive() : Result<std::string_view>(std::string_view());
        link_.receive(bytes.value_or(std::string_view()));
        bool sound = bytes.has_value();
        while (!lost_) {
            const auto answer = link_.next();
            sound = sound && answer.has_value();
            if (!answer || !*answer) {
                break;
            }
            std::visit([this](const auto& one) { hear(one); }, **answer);
        }
        if (!sound) {
            lose();
        }
    }
    reading_ = false;
    changed_.notify_all();
}

void Lockspace::wait_for(Guard& guard, const Operation& operation) {
    while (!operation.done) {
        if (lost_) {
            return;
        }
        read(guard, /*block=*/true);
        if (may_run_asts()) {
            run_due(guard);
        }
    }
}

bool Lockspace::may_run_asts() const {
    return !thread_.joinable() || thread_.get_id() == std::this_thread::get_id();
}

void Lockspace::run_due(Guard& guard) {
    while (!due_.empty()) {
        const auto due = due_.front();
        due_.pop_front();
        if (due_.empty()) {
            channel_.signal(false);
        }
        if (still_wanted(due)) {
            guard.unlock();
            due.ast(due.argument);
            guard.lock();
        }
    }
}

// A blocking AST that the lock's last grant has overtaken would mislead.
bool Lockspace::still_wanted(const Due& due) {
    if (due.blocked_lkid == 0) {
        return true;
    }
    const auto* entry = find(due.blocked_lkid);
    return entry != nullptr && entry->held && !compatible(due.blocked_mode, entry->mode);
}

void Lockspace::dispatch() {
    Guard guard(mutex_);
    read(guard, /*block=*/false);
    run_due(guard);
}

int Lockspace::start_thread() {
    const Guard guard(mutex_);
    if (thread_.joinable()) {
        return EEXIST;
    }
    stopping_ = false;
    thread_ = std::thread(thread_loop, shared_from_this());
    return 0;
}

void Lockspace::thread_loop(const std::shared_ptr<Lockspace>& space) {
    Guard guard(space->mutex_);
    while (!space->stopping_) {
        space->run_due(guard);
        if (space->stopping_ || !space->due_.empty()) {
            continue;
        }
        if (space->lost_) {
            space->changed_.wait(guard);
        } else {
            space->read(guard, /*block=*/true);
        }
    }
}

void Lockspace::stop_thread() {
    Guard guard(mutex_);
    stopping_ = true;
    channel_.nudge();
    changed_.notify_all();
    auto thread = std::move(thread_);
    guard.unlock();
    if (thread.get_id() == std::this_thread::get_id()) {
        thread.detach();  // an AST of its own ends it
    } else if (thread.joinable()) {
        thread.join();
    }
}

void Lockspace::close() {
    stop_thread();
    const Guard guard(mutex_);
    if (created_ && !reading_) {
        channel_.finish();
    }
}

void Lockspace::flush() {
    if (lost_) {
        return;
    }
    auto& out = link_.out();
    const auto sent = channel_.send(out);
    if (!sent) {
        lose();
        return;
    }
    out.erase(0, *sent);
    channel_.want_to_send(!out.empty());
}

// ---- what comes

void Lockspace::hear(const wire::Completion& completion) {
    const auto found = operations_.find(completion.request);
    if (found == operations_.end()) {
        return;  // of a cancel: what it ended tells
    }
    const auto operation = std::move(found->second);
    operations_.erase(found);
    settle(*operation, completion.outcome);
    operation->done = true;
}

void Lockspace::settle(Operation& operation, const lockmgr::Completion& outcome) {
    operation.status = outcome.status;
    auto* entry = find(operation.lkid);
    if (entry == nullptr) {
        return;
    }
    if (entry->pending.get() == &operation) {
        entry->pending.reset();
    }
    auto status = status_of(outcome.status);
    if (operation.deadlock && status == ECANCEL) {
        status = EDEADLK;
    }
    const auto number = operation.lkid & kNumberMask;
    if (operation.kind == Operation::Kind::kUnlock) {
        tell(operation, *entry, status);
        if (status == EUNLOCK) {
            end(number);
        }
        return;
    }
    settle_lock(operation, *entry, outcome);
    if (!operation.silent) {
        tell(operation, *entry, status);
    }
    for (const auto& cancel : operation.cancels) {
        cancel->lksb->sb_status = status == ECANCEL ? ECANCEL : 0;
        cancel->done = true;
    }
    const bool forced = entry->pending != nullptr;  // its unlock ends it
    if (operation.kind == Operation::Kind::kLock && status != 0 && !forced) {
        end(number);
    }
}

void Lockspace::settle_lock(Operation& operation, Entry& entry,
                            const lockmgr::Completion& outcome) {
    if (outcome.status != LockStatus::kGranted) {
        if (operation.kind == Operation::Kind::kConvert) {
            entry.blocking_ast = operation.former_blocking_ast;
        }
        if (outcome.demoted) {
            entry.mode = outcome.mode;
            operation.lksb->sb_flags = DLM_SBF_DEMOTED;
        }
        return;
    }
    entry.held = true;
    entry.mode = outcome.mode;
    auto& lksb = *operation.lksb;
    lksb.sb_flags = static_cast<char>((outcome.demoted ? DLM_SBF_DEMOTED : 0) |
                                      (outcome.alternative ? DLM_SBF_ALTMODE : 0) |
                                      (outcome.value_valid ? 0 : DLM_SBF_VALNOTVALID));
    if (outcome.has_value && lksb.sb_lvbptr != nullptr) {
        std::copy_n(outcome.value.begin(), DLM_LVB_LEN, lksb.sb_lvbptr);
    }
}

// The status first; then who waits, or an AST.
void Lockspace::tell(Operation& operation, const Entry& entry, int status) {
    operation.lksb->sb_status = status;
    if (!operation.waited && entry.ast != nullptr) {
        queue({entry.ast, entry.argument, 0, LockMode::NL});
    }
}

void Lockspace::hear(const wire::Blocking& blocking) {
    if (blocking.lock >= entries_.size() || !entries_[blocking.lock].used) {
        return;
    }
    const auto& entry = entries_[blocking.lock];
    if (entry.blocking_ast != nullptr) {
        queue({entry.blocking_ast, entry.argument, lkid_of(blocking.lock), blocking.mode});
    }
}

void Lockspace::queue(Due due) {
    due_.push_back(due);
    channel_.signal(true);
}

// clusterd is gone, and every lock with it: what is under way ends so, and nothing works any more.
void Lockspace::lose() {
    lost_ = true;
    lockmgr::Completion outcome;
    outcome.status = LockStatus::kRevoked;
    for (const auto& [request, operation] : std::exchange(operations_, {})) {
        settle(*operation, outcome);
        operation->done = true;
    }
    changed_.notify_all();
}

}  // namespace quorate::lockmgr::libdlm
