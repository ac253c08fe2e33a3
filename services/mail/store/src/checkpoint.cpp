#include "mail/store/errc.hpp"
#include "mutation.hpp"
#include "store_impl.hpp"

// What the store's own threads do: flushing, checkpoints, closing of idle databases.
namespace quorate::mail::store {
namespace {

constexpr int kSettleTries = 8;

}  // namespace

// Every change before the mark is committed to its database, then the whole volume is flushed, then
// the super block says so.
Status StoreImpl::checkpoint() {
    std::lock_guard lock(checkpoint_mutex_);
    const auto mark = context_->journal.next_mark();
    const auto position = context_->journal.position();
    checkpoint_at_ = position + options_.checkpoint_bytes / 16;  // if it fails
    QUORATE_CHECK(not_in_doubt());
    QUORATE_CHECK(context_->journal.wait_durable(Lsn(mark.lsn - 1)));
    QUORATE_CHECK(settle_up_to(mark.lsn));
    if (!mutated("checkpoint_not_flushed")) {
        if (const auto flushed = context_->volume.flush_all(); !flushed) {
            context_->doubt.raise(flushed.error());
            return flushed;
        }
    }
    QUORATE_CHECK(not_in_doubt());
    auto next = super_;
    next.sequence += mutated("super_one_copy") ? 2 : 1;
    next.redo_lsn = mark.lsn;
    next.redo_segment = mark.segment;
    next.redo_offset = mark.offset;
    QUORATE_CHECK(write_super(context_->volume, next));
    super_ = next;
    redo_segment_.store(mark.segment, std::memory_order_release);
    checkpoint_at_ = position + options_.checkpoint_bytes / 2;
    return {};
}

Status StoreImpl::not_in_doubt() const {
    if (context_->doubt.raised()) {
        return fail(std::make_error_code(std::errc::io_error), "databases are in doubt");
    }
    return {};
}

// A read may have applied changes that are not durable yet; then settling has to wait for them.
Status StoreImpl::settle_up_to(std::uint64_t lsn) {
    Status status;
    for (const auto& account : context_->unsettled.all()) {
        for (int tries = 0; tries < kSettleTries; ++tries) {
            status = account->settle();
            const auto first = account->first_pending();
            if (first == 0 || first >= lsn) {
                break;
            }
            QUORATE_CHECK(status);
            QUORATE_CHECK(context_->journal.wait_durable(account->last_lsn()));
        }
        const auto first = account->first_pending();
        if (first != 0 && first < lsn) {
            QUORATE_CHECK(status);
            return fail(errc::account_busy, "account " + std::to_string(account->id().value()));
        }
    }
    return {};
}

std::vector<std::shared_ptr<Account>> StoreImpl::unsettled() {
    if (threaded_) {
        std::lock_guard lock(maintenance_mutex_);
        idle_tick_ = true;
        maintenance_.notify_one();
    } else {
        context_->databases.tick();
    }
    const auto due =
        context_->unsettled.due(context_->journal.position(), options_.checkpoint_bytes / 4);
    return {due.begin(), due.end()};
}

void StoreImpl::on_flushed(Lsn durable, bool failed) {
    {
        std::lock_guard lock(callback_mutex_);
        if (callback_) {
            callback_(durable, failed);
        }
    }
    if (threaded_ && checkpoint_is_due()) {
        std::lock_guard lock(maintenance_mutex_);
        maintenance_.notify_one();
    }
}

bool StoreImpl::checkpoint_is_due() const {
    return context_->journal.position() >= checkpoint_at_.load(std::memory_order_relaxed);
}

void StoreImpl::start_threads() {
    journal_thread_ = std::thread([this] {
        while (context_->journal.wait_for_work()) {
            if (!context_->journal.flush_group()) {
                break;  // failed: nothing is written any more
            }
        }
    });
    maintenance_thread_ = std::thread([this] { run_maintenance(); });
}

void StoreImpl::stop_threads() {
    if (maintenance_thread_.joinable()) {
        {
            std::lock_guard lock(maintenance_mutex_);
            stopping_ = true;
            maintenance_.notify_one();
        }
        maintenance_thread_.join();
    }
    if (journal_thread_.joinable()) {
        context_->journal.stop();
        journal_thread_.join();
    }
}

void StoreImpl::run_maintenance() {
    std::unique_lock lock(maintenance_mutex_);
    while (!stopping_) {
        maintenance_.wait(lock, [this] { return stopping_ || idle_tick_ || checkpoint_is_due(); });
        const bool tick = std::exchange(idle_tick_, false);
        lock.unlock();
        if (tick) {
            context_->databases.tick();
        }
        if (checkpoint_is_due()) {
            if (const auto done = checkpoint(); !done) {
                context_->log.warn("checkpoint_failed", "reason", done.error().to_string());
            }
        }
        lock.lock();
    }
}

Status StoreImpl::close() {
    auto status = checkpoint();
    stop_threads();
    std::list<std::shared_ptr<AccountImpl>> last;
    {
        std::lock_guard lock(accounts_mutex_);
        last.swap(recent_);
        recent_places_.clear();
    }
    return status;
}

}  // namespace quorate::mail::store
