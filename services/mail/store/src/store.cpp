#include <ctime>
#include <random>
#include <utility>

#include "mail/store/errc.hpp"
#include "mutation.hpp"
#include "recovery.hpp"
#include "schema.hpp"
#include "store_impl.hpp"

namespace quorate::mail::store {
namespace {

// The reserve holds a segment for compaction and what the databases need for deletions.
std::uint64_t reserve_bytes(const StoreOptions& options) {
    return options.segment_bytes + options.segment_bytes / 8;
}

StoreOptions completed(StoreOptions options) {
    if (options.random_seed == 0) {
        std::random_device device;
        options.random_seed = (std::uint64_t{device()} << 32) | device();
    }
    if (!options.now) {
        options.now = [] { return static_cast<std::int64_t>(std::time(nullptr)); };
    }
    return options;
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(Volume& volume, StoreOptions options, Logger log) {
    QUORATE_TRY(auto store,
                StoreImpl::open(volume, std::move(options), /*threaded=*/true, std::move(log)));
    return std::unique_ptr<Store>(std::move(store));
}

StoreImpl::StoreImpl(StoreOptions options, bool threaded)
    : options_(completed(std::move(options))), threaded_(threaded) {}

Result<std::unique_ptr<StoreImpl>> StoreImpl::open(Volume& volume, StoreOptions options,
                                                   bool threaded, Logger log) {
    std::unique_ptr<StoreImpl> store(new StoreImpl(std::move(options), threaded));
    QUORATE_CHECK(store->recover(volume, std::move(log)));
    if (threaded) {
        store->start_threads();
    }
    return store;
}

Status StoreImpl::recover(Volume& volume, Logger log) {
    Random random(options_.random_seed);
    QUORATE_TRY(super_, read_or_create_super(volume, random));
    QUORATE_CHECK(Doubt::settle(volume, log));
    QUORATE_TRY(const auto scan, scan_journal(volume, super_, log));
    Context::Options options;
    options.journal.store = super_.store;
    options.journal.segment_bytes = options_.segment_bytes;
    options.journal.next_segment = scan.next_segment;
    options.journal.next_lsn = scan.next_lsn;
    options.journal.threaded = threaded_;
    options.reserve_bytes = reserve_bytes(options_);
    options.open_databases = options_.open_accounts;
    options.seed = random.next();
    options.now = options_.now;
    context_ = std::make_unique<Context>(volume, std::move(options), log);
    context_->journal.on_durable([this](Lsn lsn, bool failed) { on_flushed(lsn, failed); });
    static_cast<void>(context_->reserve.whole());
    redo_segment_ = super_.redo_segment;

    Recovery recovery(*context_);
    QUORATE_CHECK(recovery.run(scan));
    replayed_ = recovery.replayed();
    for (const auto& account : recovery.waiting()) {
        remember(account);
    }
    large_ = std::make_unique<LargeBodies>(volume, context_->reserve, super_.store);
    compactor_ = std::make_unique<Compactor>(*this, *context_, *large_, scan.next_segment);
    QUORATE_TRY(const auto segments, list_segments(volume));
    for (const auto segment : segments) {
        context_->usage.found(segment);
    }
    QUORATE_TRY(const auto large, large_->recover());
    for (const auto segment : large) {
        context_->usage.found(segment);
    }
    if (const auto done = checkpoint(); !done) {
        log.warn("checkpoint_failed", "reason", done.error().to_string());
    }
    return {};
}

StoreImpl::~StoreImpl() { stop_threads(); }

Result<BodyRef> StoreImpl::put_body(std::vector<std::string> pieces,
                                    std::span<const AccountId> owners) {
    if (!context_->reserve.whole()) {
        return fail(errc::volume_full, "no reserve left");
    }
    return context_->journal.put_body(std::move(pieces), owners);
}

Result<std::unique_ptr<Store::LargeBody>> StoreImpl::begin_large_body() { return large_->begin(); }

Result<std::shared_ptr<Account>> StoreImpl::account(AccountId id, QuotaLimits limits) {
    QUORATE_TRY(auto account, find_or_load(id, limits));
    return std::shared_ptr<Account>(std::move(account));
}

Result<std::shared_ptr<AccountImpl>> StoreImpl::existing_account(AccountId id) {
    if (auto account = find(id)) {
        return account;
    }
    QUORATE_TRY(const bool exists, context_->volume.exists(account_database(id)));
    if (!exists) {
        return std::shared_ptr<AccountImpl>();
    }
    return find_or_load(id, std::nullopt);
}

Result<std::shared_ptr<AccountImpl>> StoreImpl::find_or_load(AccountId id,
                                                             std::optional<QuotaLimits> limits) {
    std::lock_guard one(loading_[id.value() % kStripes]);
    auto account = find(id);
    if (!account) {
        QUORATE_TRY(const bool parked, has_parked_changes(context_->volume, id));
        if (parked) {
            return fail(errc::damaged, account_folder(id) + ": has changes to be redone by hand");
        }
        QUORATE_TRY(account, AccountImpl::load(*context_, id, limits.value_or(QuotaLimits{})));
        context_->log.debug("account_loaded", "account", id.value());
    } else if (limits) {
        account->set_limits(*limits);
    }
    remember(account);
    return account;
}

std::shared_ptr<AccountImpl> StoreImpl::find(AccountId id) {
    std::lock_guard lock(accounts_mutex_);
    const auto at = accounts_.find(id);
    return at == accounts_.end() ? nullptr : at->second.lock();
}

void StoreImpl::remember(const std::shared_ptr<AccountImpl>& account) {
    std::shared_ptr<AccountImpl> oldest;  // let go outside the lock
    std::lock_guard lock(accounts_mutex_);
    const auto id = account->id();
    const auto place = recent_places_.find(id);
    if (place != recent_places_.end()) {
        recent_.splice(recent_.begin(), recent_, place->second);
        return;
    }
    accounts_[id] = account;
    recent_.push_front(account);
    recent_places_[id] = recent_.begin();
    if (recent_.size() > options_.open_accounts) {
        oldest = std::move(recent_.back());
        recent_.pop_back();
        recent_places_.erase(oldest->id());
        std::erase_if(accounts_, [](const auto& entry) { return entry.second.expired(); });
    }
}

void StoreImpl::forget(AccountId id) {
    std::shared_ptr<AccountImpl> last;
    std::lock_guard lock(accounts_mutex_);
    accounts_.erase(id);
    const auto place = recent_places_.find(id);
    if (place != recent_places_.end()) {
        last = std::move(*place->second);
        recent_.erase(place->second);
        recent_places_.erase(place);
    }
}

// The record first: after a crash the rest is done from it. A checkpoint in between would leave the
// files for ever.
Status StoreImpl::remove_account(AccountId id) {
    std::lock_guard no_checkpoint(checkpoint_mutex_);
    std::shared_ptr<AccountImpl> account;
    if (auto existing = existing_account(id)) {
        account = std::move(*existing);
        if (!account) {
            return {};
        }
    }
    OpWriter ops;
    ops.put(OpAccountRemoved{});
    QUORATE_TRY(const auto lsn, context_->journal.put_change(id, ops.take()));
    QUORATE_CHECK(context_->journal.wait_durable(lsn));
    if (account) {
        account->abandon();
    }
    forget(id);
    account.reset();
    context_->log.info("account_removed", "account", id.value());
    return context_->volume.remove_tree(account_folder(id));
}

void StoreImpl::on_durable(std::function<void(Lsn durable, bool failed)> callback) {
    std::lock_guard lock(callback_mutex_);
    callback_ = std::move(callback);
}

Status StoreImpl::settle(Account& account) { return static_cast<AccountImpl&>(account).settle(); }

Result<Store::VerifyReport> StoreImpl::verify(AccountId id) {
    VerifyReport report;
    QUORATE_TRY(const auto account, existing_account(id));
    if (!account) {
        return fail(errc::no_such_account, std::to_string(id.value()));
    }
    QUORATE_CHECK(account->verify(report));
    return report;
}

Store::Statistics StoreImpl::statistics() const {
    const auto counters = context_->journal.counters();
    Statistics statistics;
    statistics.flushes = counters.flushes;
    statistics.records = counters.records;
    statistics.journal_bytes = counters.bytes;
    if (const auto segments = list_segments(context_->volume)) {
        statistics.segments = segments->size();
    }
    statistics.open_accounts = context_->databases.count();
    statistics.replayed = replayed_;
    return statistics;
}

}  // namespace quorate::mail::store
