#include "shadowing/cluster/set_locks.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/log.hpp"
#include "io/task.hpp"
#include "io/time.hpp"
#include "shadowing/locks/lock_value.hpp"
#include "shadowing/locks/set_lock.hpp"

namespace quorate::shadowing {
namespace {

using boost::asio::awaitable;
using lockmgr::LockMode;
using lockmgr::LockStatus;

}  // namespace

struct SetLocks::Impl : std::enable_shared_from_this<SetLocks::Impl> {
    struct Entry {
        explicit Entry(LockName lock_name) : name(lock_name), machine(lock_name) {}
        LockName name;
        SetLock machine;
        std::optional<lockmgr::Lock> lock;
        bool working = false;  // an operation of `lock` is under way
    };
    using Entries = std::map<LockName, std::shared_ptr<Entry>>;

    Impl(boost::asio::io_context& context, lockmgr::LockDomain locks, Id128 id, Feed to)
        : io(context), domain(std::move(locks)), set(id), feed(std::move(to)) {}

    void carry(const std::shared_ptr<Entry>& entry, SetLockOutputs outputs);
    void release(Entry& entry);
    awaitable<void> take(std::shared_ptr<Entry> entry, TakeLock output);
    awaitable<void> convert(std::shared_ptr<Entry> entry, ConvertLock output);
    awaitable<void> pause(std::shared_ptr<Entry> entry);
    void blocking(const LockName& name);

    boost::asio::io_context& io;
    lockmgr::LockDomain domain;
    Id128 set;
    Feed feed;
    Entries entries;
    bool stopped = false;
    bool lost = false;  // the connection; whoever owns it hears of that himself
};

SetLocks::SetLocks(boost::asio::io_context& io, lockmgr::LockDomain domain, Id128 set, Feed feed)
    : impl_(std::make_shared<Impl>(io, std::move(domain), set, std::move(feed))) {}

SetLocks::~SetLocks() {
    impl_->stopped = true;
    for (const auto& [name, entry] : impl_->entries) {
        if (entry->lock) {
            entry->lock->release();
        }
    }
}

void SetLocks::ask(const Lock& lock) {
    auto& known = impl_->entries[lock.lock];
    if (!known) {
        known = std::make_shared<Impl::Entry>(lock.lock);
    }
    const auto entry = known;
    impl_->carry(entry, entry->machine.ask(lock));
}

void SetLocks::Impl::carry(const std::shared_ptr<Entry>& entry, SetLockOutputs outputs) {
    for (auto& output : outputs) {
        if (stopped || lost) {
            return;
        }
        if (const auto* taken = std::get_if<TakeLock>(&output)) {
            io::spawn(io, take(entry, *taken));
        } else if (const auto* converted = std::get_if<ConvertLock>(&output)) {
            entry->working = true;
            io::spawn(io, convert(entry, *converted));
        } else if (std::holds_alternative<ReleaseLock>(output)) {
            release(*entry);
        } else if (const auto* refused = std::get_if<LockRefused>(&output)) {
            Logger().warn("lock_again", "lock", lock_name(set, entry->name), "why",
                          lockmgr::name_of(refused->status));
            io::spawn(io, pause(entry));
        } else {
            feed(std::move(std::get<SetInput>(output)));
        }
    }
    if (entry->machine.idle()) {
        entries.erase(entry->name);
    }
}

// What is under way for it ends, and is not forgotten before.
void SetLocks::Impl::release(Entry& entry) {
    entry.lock->release();
    if (!entry.working) {
        entry.lock.reset();
    }
}

awaitable<void> SetLocks::Impl::take(std::shared_ptr<Entry> entry, TakeLock output) {
    const auto self = shared_from_this();
    lockmgr::LockOptions options;
    options.flags = output.flags;
    options.on_blocking = [weak = weak_from_this(),
                           name = entry->name](const lockmgr::BlockingRequest&) {
        const auto owner = weak.lock();
        if (owner && !owner->stopped) {
            owner->blocking(name);
        }
    };
    auto lock = co_await domain.lock(lock_name(set, entry->name), LockMode::NL, std::move(options));
    if (!lock) {
        lost = true;
        co_return;
    }
    LockEnd end;
    end.status = lock->status();
    end.held = lock->held();
    if (end.held) {
        entry->lock.emplace(std::move(*lock));
    }
    if (stopped) {
        entry->lock.reset();
        co_return;
    }
    carry(entry, entry->machine.ended(end));
}

awaitable<void> SetLocks::Impl::convert(std::shared_ptr<Entry> entry, ConvertLock output) {
    const auto self = shared_from_this();
    auto& lock = *entry->lock;
    if (!lock.held()) {  // released before this began
        entry->working = false;
        entry->lock.reset();
        carry(entry, entry->machine.ended({LockStatus::kUnlocked, /*held=*/false}));
        co_return;
    }
    Result<LockStatus> status = LockStatus::kGranted;
    if (output.value) {
        auto lowered = co_await lock.downgrade(output.mode, *output.value);
        status = std::move(lowered);
    } else {
        lockmgr::LockOptions options;
        options.flags = output.flags;
        auto converted = co_await lock.convert(output.mode, std::move(options));
        status = std::move(converted);
    }
    if (stopped) {
        co_return;
    }
    entry->working = false;
    if (!status) {
        lost = true;
        co_return;
    }
    const LockEnd end{*status, lock.held(), lock.value(), lock.value_valid()};
    if (!end.held) {
        entry->lock.reset();
    }
    carry(entry, entry->machine.ended(end));
}

awaitable<void> SetLocks::Impl::pause(std::shared_ptr<Entry> entry) {
    const auto self = shared_from_this();
    auto slept = co_await io::sleep_until(io::mono_now() + kLockAgain);
    if (slept && !stopped) {
        carry(entry, entry->machine.again());
    }
}

void SetLocks::Impl::blocking(const LockName& name) {
    if (const auto it = entries.find(name); it != entries.end()) {
        const auto entry = it->second;
        carry(entry, entry->machine.blocking());
    }
}

}  // namespace quorate::shadowing
