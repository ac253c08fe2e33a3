#include "shadowing/cluster/set_locks.hpp"

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/log.hpp"
#include "io/task.hpp"
#include "io/time.hpp"
#include "shadowing/cluster/lock_value.hpp"

namespace quorate::shadowing {
namespace {

using boost::asio::awaitable;
using lockmgr::LockMode;
using lockmgr::LockStatus;

// Waiting here is no waiting for somebody who waits: openers give way by the machine's rules.
constexpr auto kFlags =
    lockmgr::flag::PERSISTENT | lockmgr::flag::NODLCKWT | lockmgr::flag::NODLCKBLK;
constexpr std::chrono::milliseconds kLockAgain{500};

}  // namespace

struct SetLocks::Impl : std::enable_shared_from_this<SetLocks::Impl> {
    struct Entry {
        LockName name;
        std::optional<lockmgr::Lock> lock;
        std::deque<Lock> asked;
        bool working = false;
        bool waiting = false;  // for a higher mode
        bool blocks = false;   // heard while working: of the mode that is granted, perhaps
    };

    Impl(boost::asio::io_context& context, lockmgr::LockDomain locks, Id128 id, Feed to)
        : io(context), domain(std::move(locks)), set(id), feed(std::move(to)) {}

    awaitable<void> work(std::shared_ptr<Entry> entry);
    awaitable<void> step(Entry& entry, Lock next);
    awaitable<bool> take(Entry& entry);
    awaitable<Result<LockStatus>> convert(Entry& entry, const Lock& next);
    awaitable<void> tell(Entry& entry, const Lock& next, LockStatus status);
    void blocking(const LockName& name);

    boost::asio::io_context& io;
    lockmgr::LockDomain domain;
    Id128 set;
    Feed feed;
    std::map<LockName, std::shared_ptr<Entry>> entries;
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
    auto& entry = impl_->entries[lock.lock];
    if (!entry) {
        entry = std::make_shared<Impl::Entry>();
        entry->name = lock.lock;
    }
    entry->asked.push_back(lock);
    if (std::exchange(entry->waiting, false)) {
        entry->lock->release();
    }
    if (!std::exchange(entry->working, true)) {
        io::spawn(impl_->io, impl_->work(entry));
    }
}

awaitable<void> SetLocks::Impl::work(std::shared_ptr<Entry> entry) {
    const auto self = shared_from_this();
    while (!entry->asked.empty() && !stopped && !lost) {
        auto next = std::move(entry->asked.front());
        entry->asked.pop_front();
        co_await step(*entry, std::move(next));
    }
    entry->working = false;
    if (!entry->lock && !stopped) {
        entries.erase(entry->name);
    }
}

awaitable<void> SetLocks::Impl::step(Entry& entry, Lock next) {
    if (next.hold == Hold::kNone) {
        if (entry.lock) {
            entry.lock->release();
            entry.lock.reset();
        }
        co_return;
    }
    auto taken = co_await take(entry);
    if (!taken || stopped) {
        co_return;
    }
    const bool up = mode_of(next.hold) > entry.lock->mode();
    if (up && !entry.asked.empty()) {
        co_return;  // what was asked since takes its place
    }
    entry.waiting = up;
    auto status = co_await convert(entry, next);
    const bool replaced = up && !entry.waiting;
    entry.waiting = false;
    if (stopped) {
        co_return;
    }
    if (replaced) {
        entry.lock.reset();
    } else if (status) {
        co_await tell(entry, next, *status);
    } else {
        lost = true;
    }
}

// In NL, to be converted: then it can be given up whatever it waits for.
awaitable<bool> SetLocks::Impl::take(Entry& entry) {
    while (!entry.lock) {
        lockmgr::LockOptions options;
        options.flags = kFlags | lockmgr::flag::EXPEDITE;
        options.on_blocking = [weak = weak_from_this(),
                               name = entry.name](const lockmgr::BlockingRequest&) {
            const auto self = weak.lock();
            if (self && !self->stopped) {
                self->blocking(name);
            }
        };
        auto lock =
            co_await domain.lock(lock_name(set, entry.name), LockMode::NL, std::move(options));
        if (!lock) {
            lost = true;
            co_return false;
        }
        if (lock->held()) {
            entry.lock.emplace(std::move(*lock));
            if (stopped) {
                entry.lock->release();
            }
            break;
        }
        Logger().error("lock_refused", "lock", lock_name(set, entry.name), "why",
                       lockmgr::name_of(lock->status()));
        auto slept = co_await io::sleep_until(io::mono_now() + kLockAgain);
        if (!slept || stopped) {
            co_return false;
        }
    }
    co_return true;
}

awaitable<Result<LockStatus>> SetLocks::Impl::convert(Entry& entry, const Lock& next) {
    const auto mode = mode_of(next.hold);
    if (next.value && mode < entry.lock->mode()) {
        auto status = co_await entry.lock->downgrade(mode, encode_value(*next.value));
        co_return status;
    }
    lockmgr::LockOptions options;
    options.flags = kFlags & ~lockmgr::flag::PERSISTENT;
    options.no_queue = next.no_wait;
    options.read_value = entry.name.kind == LockKind::kMembership && mode > entry.lock->mode();
    auto status = co_await entry.lock->convert(mode, std::move(options));
    co_return status;
}

awaitable<void> SetLocks::Impl::tell(Entry& entry, const Lock& next, LockStatus status) {
    if (status == LockStatus::kGranted) {
        const auto value = decode_value(entry.lock->value(), entry.lock->value_valid());
        feed(Locked{entry.name, next.hold, value.state, value.word});
        if (std::exchange(entry.blocks, false)) {
            feed(Blocking{entry.name});
        }
    } else if (status == LockStatus::kNotQueued) {
        if (entry.lock->mode() == LockMode::NL) {
            entry.lock->release();
            entry.lock.reset();
        }
        feed(LockDenied{entry.name});
    } else {
        Logger().warn("lock_again", "lock", lock_name(set, entry.name), "why",
                      lockmgr::name_of(status));
        if (!entry.lock->held()) {
            entry.lock.reset();
        }
        auto slept = co_await io::sleep_until(io::mono_now() + kLockAgain);
        // What was asked since takes its place.
        if (slept && !stopped && entry.asked.empty()) {
            entry.asked.push_back(next);
        }
    }
}

// The word that somebody waits for the new mode may come before this has heard of the grant, and
// comes once.
void SetLocks::Impl::blocking(const LockName& name) {
    if (const auto it = entries.find(name); it != entries.end()) {
        it->second->blocks = it->second->working;
    }
    feed(Blocking{name});
}

}  // namespace quorate::shadowing
