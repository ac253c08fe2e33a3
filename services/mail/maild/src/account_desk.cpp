#include "account_desk.hpp"

#include "io/task.hpp"

namespace quorate::mail {

std::shared_ptr<AccountSlot> AccountDesk::find(store::AccountId id) {
    const auto found = slots_.find(id.value());
    return found == slots_.end() ? nullptr : found->second.lock();
}

std::shared_ptr<AccountSlot> AccountDesk::slot(store::AccountId id, store::QuotaLimits limits) {
    if (auto existing = find(id)) {
        return existing;
    }
    auto made = std::make_shared<AccountSlot>(id, limits);
    slots_[id.value()] = made;
    if (slots_.size() > sweep_at_) {
        std::erase_if(slots_, [](const auto& item) { return item.second.expired(); });
        sweep_at_ = slots_.size() * 2 + 1024;
    }
    return made;
}

boost::asio::awaitable<void> AccountDesk::pause() {
    constexpr std::chrono::milliseconds kPause{50};
    auto slept = co_await io::sleep_until(io::mono_now() + kPause);
    static_cast<void>(slept);
}

boost::asio::awaitable<void> AccountDesk::settle(std::shared_ptr<AccountSlot> slot) {
    auto settled = co_await pool_.run(slot->strand(), [&]() -> Status {
        QUORATE_TRY(store::Account * account, slot->open(store_));
        return store_.settle(*account);
    });
    // An account that cannot commit says so at its next change, where somebody is there to be told.
    static_cast<void>(settled);
}

boost::asio::awaitable<void> AccountDesk::settle_all() {
    if (removing_ > 0) {
        co_return;
    }
    settling_ = true;
    auto accounts = store_.unsettled();
    while (!accounts.empty()) {
        auto account = std::move(accounts.back());
        accounts.pop_back();
        auto shared = find(account->id());
        if (!shared) {
            shared = slot(account->id(), {});
            shared->adopt(std::move(account));
        }
        co_await settle(std::move(shared));
    }
    settling_ = false;
}

boost::asio::awaitable<void> AccountDesk::change_limits(store::AccountId id,
                                                        store::QuotaLimits limits) {
    const auto shared = find(id);
    if (!shared) {
        co_return;
    }
    auto changed = co_await pool_.run(shared->strand(), [&]() -> Status {
        shared->set_limits(limits);
        QUORATE_TRY(const auto* account, shared->open(store_));
        static_cast<void>(account);
        return {};
    });
    static_cast<void>(changed);
}

boost::asio::awaitable<Status> AccountDesk::remove(store::AccountId id) {
    constexpr int kAttempts = 100;
    removed_.insert(id.value());
    ++removing_;
    Status removed = fail(store::errc::account_busy, "its sessions do not end");
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        if (find(id) == nullptr && !settling_) {
            removed = co_await pool_.run([&] { return store_.remove_account(id); });
            if (removed || removed.error().code != store::errc::account_busy) {
                break;
            }
        }
        co_await pause();
    }
    --removing_;
    if (!removed) {
        removed_.erase(id.value());
    }
    co_return removed;
}

}  // namespace quorate::mail
