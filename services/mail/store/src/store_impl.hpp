#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

#include "account_impl.hpp"
#include "compaction.hpp"
#include "context.hpp"
#include "large_body.hpp"
#include "mail/store/store.hpp"
#include "super.hpp"

namespace quorate::mail::store {

// See Store. Two threads of its own: one writes and flushes the journal, one makes checkpoints and
// closes databases that nobody uses. Without them (the simulator) their work is done when asked.
class StoreImpl final : public Store {
public:
    static Result<std::unique_ptr<StoreImpl>> open(Volume& volume, StoreOptions options,
                                                   bool threaded, Logger log);
    ~StoreImpl() override;

    Result<BodyRef> put_body(std::vector<std::string> pieces,
                             std::span<const AccountId> owners) override;
    Result<std::unique_ptr<LargeBody>> begin_large_body() override;
    Result<std::shared_ptr<Account>> account(AccountId id, QuotaLimits limits) override;
    Status remove_account(AccountId id) override;
    Lsn durable() const override { return context_->journal.durable(); }
    void on_durable(std::function<void(Lsn durable, bool failed)> callback) override;
    Status settle(Account& account) override;
    std::vector<std::shared_ptr<Account>> unsettled() override;
    Result<bool> compact_step() override { return compactor_->step(); }
    Result<VerifyReport> verify(AccountId id) override;
    Statistics statistics() const override;
    Status close() override;

    Lsn newest() const { return context_->journal.newest(); }
    // False when nothing waited.
    bool flush_journal() { return context_->journal.flush_group(); }
    // Moves the redo start to where the journal ends now.
    Status checkpoint();

    // ---- for the compactor
    // Nothing when there is no such account.
    Result<std::shared_ptr<AccountImpl>> existing_account(AccountId id);
    std::uint32_t redo_segment() const { return redo_segment_.load(std::memory_order_acquire); }

private:
    static constexpr std::size_t kStripes = 16;

    StoreImpl(StoreOptions options, bool threaded);

    Status recover(Volume& volume, Logger log);
    Result<std::shared_ptr<AccountImpl>> find_or_load(AccountId id,
                                                      std::optional<QuotaLimits> limits);
    std::shared_ptr<AccountImpl> find(AccountId id);
    void remember(const std::shared_ptr<AccountImpl>& account);
    void forget(AccountId id);
    Status settle_up_to(std::uint64_t lsn);
    Status not_in_doubt() const;
    void on_flushed(Lsn durable, bool failed);
    bool checkpoint_is_due() const;
    void start_threads();
    void stop_threads();
    void run_maintenance();

    const StoreOptions options_;
    const bool threaded_;
    std::unique_ptr<Context> context_;
    std::unique_ptr<LargeBodies> large_;
    std::unique_ptr<Compactor> compactor_;
    std::uint64_t replayed_ = 0;

    std::array<std::mutex, kStripes> loading_;  // one load of an account at a time
    std::mutex accounts_mutex_;
    std::unordered_map<AccountId, std::weak_ptr<AccountImpl>> accounts_;
    // Kept loaded, most recently asked for first. Owned together with the holders.
    std::list<std::shared_ptr<AccountImpl>> recent_;
    std::unordered_map<AccountId, std::list<std::shared_ptr<AccountImpl>>::iterator> recent_places_;

    std::mutex callback_mutex_;
    std::function<void(Lsn, bool)> callback_;

    std::mutex checkpoint_mutex_;
    Super super_;
    std::atomic<std::uint32_t> redo_segment_{1};
    std::atomic<std::uint64_t> checkpoint_at_{0};  // journal position that asks for the next one

    std::mutex maintenance_mutex_;
    std::condition_variable maintenance_;
    bool stopping_ = false;
    bool idle_tick_ = false;
    std::thread journal_thread_;
    std::thread maintenance_thread_;
};

}  // namespace quorate::mail::store
