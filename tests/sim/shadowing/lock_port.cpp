#include "lock_port.hpp"

#include <utility>

#include "shadowing/locks/lock_value.hpp"

namespace quorate::shadowing::simulator {

using lockmgr::LockId;
using lockmgr::LockStatus;
using lockmgr::RequestId;

void LockPort::ask(const Lock& lock) {
    auto& entry = entries_.try_emplace(lock.lock, lock.lock).first->second;
    carry(lock.lock, entry.machine.ask(lock));
}

void LockPort::carry(const LockName& name, SetLockOutputs outputs) {
    auto& entry = entries_.at(name);
    for (const auto& output : outputs) {
        std::visit([&](const auto& one) { on(name, entry, one); }, output);
    }
    if (entry.machine.idle()) {
        entries_.erase(name);
    }
}

void LockPort::on(const LockName& name, Entry& entry, const TakeLock& output) {
    entry.request = RequestId(next_request_++);
    entry.taking = true;
    entry.value = {};
    entry.value_valid = true;
    world_.ask([client = client_, request = entry.request, text = lock_name(set_, name),
                flags = output.flags | lockmgr::flag::BLOCKING] {
        lockmgr::Enqueue enqueue;
        enqueue.client = client;
        enqueue.request = request;
        enqueue.domain = kLockDomain;
        enqueue.name = text;
        enqueue.flags = flags;
        return lockmgr::LockInput(enqueue);
    });
}

void LockPort::on(const LockName&, Entry& entry, const ConvertLock& output) {
    entry.request = RequestId(next_request_++);
    entry.asked = output;
    world_.ask([client = client_, request = entry.request, lock = entry.lock, output] {
        lockmgr::Convert convert;
        convert.client = client;
        convert.request = request;
        convert.lock = lock;
        convert.mode = output.mode;
        convert.flags = output.flags | lockmgr::flag::BLOCKING;
        convert.value = output.value.value_or(lockmgr::ValueBlock{});
        return lockmgr::LockInput(convert);
    });
}

void LockPort::on(const LockName&, Entry& entry, const ReleaseLock&) {
    const auto lock = std::exchange(entry.lock, LockId(0));
    world_.ask([client = client_, request = RequestId(next_request_++), lock] {
        return lockmgr::LockInput(lockmgr::DequeueAll{client, request, lock});
    });
    world_.ask([client = client_, request = RequestId(next_request_++), lock] {
        return lockmgr::LockInput(
            lockmgr::Dequeue{client, request, lock, lockmgr::flag::FORCEUNLOCK, {}});
    });
}

void LockPort::on(const LockName& name, Entry&, const LockRefused&) {
    world_.later(kLockAgain, [this, name] { carry(name, entries_.at(name).machine.again()); });
}

void LockPort::on(const LockName&, Entry&, const SetInput& output) { world_.feed(output); }

void LockPort::hear(const lockmgr::Completion& completion) {
    for (auto& [name, entry] : entries_) {
        if (entry.request != completion.request) {
            continue;
        }
        entry.request = RequestId(0);
        const bool granted = completion.status == LockStatus::kGranted;
        if (std::exchange(entry.taking, false) && granted) {
            entry.lock = completion.lock;
        }
        if (granted && completion.has_value) {
            entry.value = completion.value;
            entry.value_valid = completion.value_valid;
        }
        if (const auto written = std::exchange(entry.asked.value, std::nullopt);
            written && granted) {
            entry.value = *written;
            entry.value_valid = true;
        }
        const bool gone = completion.status == LockStatus::kRevoked ||
                          completion.status == LockStatus::kNoSuchLock;
        const bool held = entry.lock != LockId(0) && !gone;
        carry(LockName(name),
              entry.machine.ended({completion.status, held, entry.value, entry.value_valid}));
        return;
    }
}

void LockPort::hear(const lockmgr::BlockingEvent& event) {
    for (auto& [name, entry] : entries_) {
        if (entry.lock == event.lock) {
            carry(LockName(name), entry.machine.blocking());
            return;
        }
    }
}

}  // namespace quorate::shadowing::simulator
