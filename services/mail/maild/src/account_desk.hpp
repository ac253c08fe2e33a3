#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <boost/asio/awaitable.hpp>

#include "base/result.hpp"
#include "durable_gate.hpp"
#include "io/errc.hpp"
#include "io/thread_pool.hpp"
#include "mail/store/errc.hpp"
#include "mail/store/store.hpp"

namespace quorate::mail {

// One account in use: its strand, and the open account once a job asked for it. Sessions of the
// account share it with the jobs under way; the last one to let go closes it.
class AccountSlot {
public:
    AccountSlot(store::AccountId id, store::QuotaLimits limits) : id_(id), limits_(limits) {}

    store::AccountId id() const { return id_; }
    io::Strand& strand() { return strand_; }

    // For a slot that nobody else has yet.
    void adopt(std::shared_ptr<store::Account> account) { account_ = std::move(account); }

    // ---- on the strand only
    Result<store::Account*> open(store::Store& store) {
        if (!account_) {
            QUORATE_TRY(account_, store.account(id_, limits_));
        }
        return account_.get();
    }
    // The next open() gives the account these limits.
    void set_limits(store::QuotaLimits limits) {
        limits_ = limits;
        account_.reset();
    }

private:
    store::AccountId id_;
    store::QuotaLimits limits_;
    io::Strand strand_;
    std::shared_ptr<store::Account> account_;  // with the store, which may keep it open
};

// Runs jobs on accounts: each account's one at a time, in order, on the worker pool. Thread rule:
// io thread.
class AccountDesk {
public:
    AccountDesk(store::Store& store, DurableGate& gate, io::ThreadPool& pool)
        : store_(store), gate_(gate), pool_(pool) {}

    // Owned by everybody who has a job or a session on the account.
    std::shared_ptr<AccountSlot> slot(store::AccountId id, store::QuotaLimits limits);

    // `job(store::Account&) -> Result<T>` on the account's strand; waits and repeats when the
    // account is busy, so a job that returns errc::account_busy must have changed nothing.
    template <class Job>
    auto run(std::shared_ptr<AccountSlot> slot, Job job)
        -> boost::asio::awaitable<std::invoke_result_t<Job&, store::Account&>> {
        using Outcome = std::invoke_result_t<Job&, store::Account&>;
        for (;;) {
            if (removed_.contains(slot->id().value())) {
                co_return fail(store::errc::no_such_account, "it is being removed");
            }
            store::Lsn newest;
            auto outcome = co_await pool_.run(slot->strand(), [&]() -> Outcome {
                QUORATE_TRY(store::Account * account, slot->open(store_));
                Outcome result = job(*account);
                newest = account->last_lsn();
                return result;
            });
            if (outcome || outcome.error().code != store::errc::account_busy) {
                co_return outcome;
            }
            auto durable = co_await gate_.wait(newest);
            if (!durable) {
                co_return tl::unexpected<Error>(std::move(durable).error());
            }
            co_await settle(slot);
        }
    }

    // `job() -> Status` on the strand, without the account; goes on trying when the pool is full:
    // for what must be done, as letting go of a mailbox.
    template <class Job>
    boost::asio::awaitable<void> finish(std::shared_ptr<AccountSlot> slot, Job job) {
        for (;;) {
            auto done = co_await pool_.run(slot->strand(), [&job]() -> Status { return job(); });
            if (done || done.error().code != io::Errc::kQueueFull) {
                co_return;
            }
            co_await pause();
        }
    }

    // New limits for an account that may be in use.
    boost::asio::awaitable<void> change_limits(store::AccountId id, store::QuotaLimits limits);
    // Destroys the account's mail. Its sessions must have been told to go; jobs on it fail from now
    // on with no_such_account. account_busy: somebody held it for seconds; nothing was destroyed.
    boost::asio::awaitable<Status> remove(store::AccountId id);
    // Settles what is durable and does not change any more this moment.
    boost::asio::awaitable<void> settle_all();
    // Accounts in use by sessions and jobs, and those whose slots were not swept yet.
    std::size_t size() const { return slots_.size(); }

private:
    boost::asio::awaitable<void> settle(std::shared_ptr<AccountSlot> slot);
    boost::asio::awaitable<void> pause();
    std::shared_ptr<AccountSlot> find(store::AccountId id);

    store::Store& store_;
    DurableGate& gate_;
    io::ThreadPool& pool_;
    std::unordered_map<std::uint64_t, std::weak_ptr<AccountSlot>> slots_;
    std::size_t sweep_at_ = 1024;
    std::unordered_set<std::uint64_t> removed_;  // ids are never given again
    bool settling_ = false;                      // settle_all() holds accounts
    std::size_t removing_ = 0;                   // removals that wait for accounts to be free
};

}  // namespace quorate::mail
