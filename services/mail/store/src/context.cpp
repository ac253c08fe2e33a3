#include "context.hpp"

#include "account_impl.hpp"

namespace quorate::mail::store {
namespace {

constexpr std::uint64_t kIdleTicks = 64;
constexpr unsigned kQuietCalls = 8;
// Others that are looked at when one database too many is open.
constexpr std::size_t kCloseTries = 16;

}  // namespace

OpenDatabases::Place OpenDatabases::add(AccountImpl* account) {
    std::lock_guard lock(mutex_);
    order_.push_front({account, tick_});
    if (order_.size() > limit_) {
        close_last(kCloseTries);
    }
    return order_.begin();
}

// The newest is in use by its caller.
void OpenDatabases::close_last(std::size_t tries) {
    for (auto at = std::prev(order_.end());
         tries > 0 && at != order_.begin() && order_.size() > limit_; --tries) {
        const auto before = std::prev(at);
        if (at->account->try_close_database()) {
            order_.erase(at);
        }
        at = before;
    }
}

void OpenDatabases::touch(Place place) {
    std::lock_guard lock(mutex_);
    place->used = tick_;
    order_.splice(order_.begin(), order_, place);
}

void OpenDatabases::remove(Place place) {
    std::lock_guard lock(mutex_);
    order_.erase(place);
}

void OpenDatabases::tick() {
    std::lock_guard lock(mutex_);
    ++tick_;
    for (auto at = order_.end(); at != order_.begin();) {
        const auto before = std::prev(at);
        if (before->used + kIdleTicks > tick_) {
            return;
        }
        if (before->account->try_close_database()) {
            order_.erase(before);
        } else {
            at = before;
        }
    }
}

std::size_t OpenDatabases::count() const {
    std::lock_guard lock(mutex_);
    return order_.size();
}

void Unsettled::add(std::shared_ptr<AccountImpl> account) {
    std::lock_guard lock(mutex_);
    auto* const key = account.get();
    entries_.try_emplace(key, Entry{std::move(account)});
}

void Unsettled::remove(AccountImpl* account) {
    Entry last;  // may be the last owner: let go outside the lock
    std::lock_guard lock(mutex_);
    const auto at = entries_.find(account);
    if (at != entries_.end()) {
        last = std::move(at->second);
        entries_.erase(at);
    }
}

std::vector<std::shared_ptr<AccountImpl>> Unsettled::due(std::uint64_t journal_position,
                                                         std::uint64_t lag_bytes) {
    std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<AccountImpl>> accounts;
    for (auto& [key, entry] : entries_) {
        const auto lsn = key->last_lsn().value();
        entry.quiet = lsn == entry.seen_lsn ? entry.quiet + 1 : 0;
        entry.seen_lsn = lsn;
        if (entry.quiet >= kQuietCalls || key->pending_since() + lag_bytes <= journal_position) {
            accounts.push_back(entry.account);
        }
    }
    return accounts;
}

std::vector<std::shared_ptr<AccountImpl>> Unsettled::all() const {
    std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<AccountImpl>> accounts;
    accounts.reserve(entries_.size());
    for (const auto& [key, entry] : entries_) {
        accounts.push_back(entry.account);
    }
    return accounts;
}

}  // namespace quorate::mail::store
