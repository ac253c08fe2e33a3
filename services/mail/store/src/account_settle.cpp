#include <algorithm>
#include <iterator>

#include "account_impl.hpp"
#include "mail/store/errc.hpp"
#include "mutation.hpp"
#include "schema.hpp"

namespace quorate::mail::store {
namespace {

// Changes collected before a caller settles by itself, and at most.
constexpr std::size_t kSettleCount = 256;
constexpr std::size_t kSettleBytes = 1 << 20;
constexpr std::size_t kPendingCount = 2000;
constexpr std::size_t kPendingBytes = 4 << 20;
// Dead bodies dropped per commit: bounds its time.
constexpr std::int64_t kPurgeCount = 2000;

}  // namespace

Status AccountImpl::ready_for_change() {
    if (pending_.size() < kSettleCount && pending_bytes_ < kSettleBytes) {
        return {};
    }
    const auto settled = settle_durable();
    if (pending_.size() < kPendingCount && pending_bytes_ < kPendingBytes) {
        return {};
    }
    QUORATE_CHECK(settled);
    return fail(errc::account_busy, "account " + std::to_string(id_.value()) + ": " +
                                        std::to_string(pending_.size()) +
                                        " changes wait for the journal");
}

Status AccountImpl::submit(OpWriter& ops, const AccountState& state) {
    ops.put(OpAccount{state});
    auto record = ops.take();
    const auto position = context_.journal.position();
    if (pending_.empty()) {
        // Before the record is in the journal: a checkpoint may not overlook it.
        pending_since_.store(position, std::memory_order_relaxed);
        context_.unsettled.add(shared_from_this());
    }
    const auto lsn = context_.journal.put_change(id_, record);
    if (!lsn) {
        update_pending();
        return tl::unexpected(lsn.error());
    }
    pending_bytes_ += record.size();
    pending_.push_back({lsn->value(), std::move(record)});
    last_lsn_.store(lsn->value(), std::memory_order_release);
    state_ = state;
    return {};
}

Status AccountImpl::settle() {
    std::lock_guard lock(mutex_);
    return settle_durable();
}

Status AccountImpl::redo(std::vector<Pending> changes) {
    std::lock_guard lock(mutex_);
    if (changes.empty()) {
        return {};
    }
    for (auto& change : changes) {
        pending_bytes_ += change.ops.size();
        pending_.push_back(std::move(change));
    }
    last_lsn_.store(pending_.back().lsn, std::memory_order_release);
    context_.unsettled.add(shared_from_this());
    return settle_durable();
}

// Commits what is durable; leaves the rest. After an error everything waits as before.
Status AccountImpl::settle_durable() {
    const auto durable =
        mutated("commit_before_durable") ? context_.journal.newest() : context_.journal.durable();
    const auto first_waiting = std::upper_bound(
        pending_.begin(), pending_.end(), durable.value(),
        [](std::uint64_t lsn, const Pending& pending) { return lsn < pending.lsn; });
    const auto count = static_cast<std::size_t>(first_waiting - pending_.begin());
    if (applied_ > count || (count == 0 && !recent_dirty_)) {
        return {};  // a read applied more than may be committed yet, or there is nothing
    }
    auto status = commit_first(count);
    if (!status && status.error().code == errc::volume_full && context_.reserve.release()) {
        status = commit_first(count);
    }
    return status;
}

Status AccountImpl::commit_first(std::size_t count) {
    QUORATE_TRY(auto* const db, database());
    std::map<std::uint32_t, std::uint64_t> died;
    auto status = apply_pending(*db, count);
    if (status) {
        status = write_recent(*db);
    }
    if (status) {
        status = purge_bodies(*db, died);
    }
    if (status) {
        status = db->commit();
    }
    if (!status) {
        abandon_transaction();
        return status;
    }
    applier_.reset();
    applied_ = 0;
    for (std::size_t i = 0; i < count; ++i) {
        pending_bytes_ -= pending_.front().ops.size();
        pending_.pop_front();
    }
    for (const auto& [segment, bytes] : died) {
        context_.usage.died(segment, bytes);
    }
    update_pending();
    return {};
}

void AccountImpl::update_pending() {
    if (pending_.empty()) {
        context_.unsettled.remove(this);
    } else {
        pending_since_.store(context_.journal.position(), std::memory_order_relaxed);
    }
}

// The first `count` of what waits, into the open transaction.
Status AccountImpl::apply_pending(Database& db, std::size_t count) {
    if (!db.in_transaction()) {
        QUORATE_CHECK(db.begin());
        applied_ = 0;
    }
    if (!applier_) {
        auto applier = Applier::start(db);
        if (!applier) {
            return tl::unexpected(applier.error());
        }
        applier_.emplace(std::move(*applier));
    }
    for (; applied_ < count; ++applied_) {
        QUORATE_CHECK(applier_->apply(pending_[applied_].lsn, pending_[applied_].ops));
    }
    return applier_->finish();
}

Status AccountImpl::write_recent(Database& db) {
    if (!recent_dirty_) {
        return {};
    }
    for (auto& [id, box] : mailboxes_) {
        if (box->recent_dirty) {
            QUORATE_CHECK(db.query("UPDATE mailbox SET recent_from = ? WHERE id = ?")
                              .bind(box->recent_from, id.value())
                              .run());
            box->recent_dirty = false;
        }
    }
    recent_dirty_ = false;
    return {};
}

// Whether a view may still show a message that was removed.
bool AccountImpl::any_dead_shown() {
    std::erase_if(gone_, [](const std::weak_ptr<Mailbox>& box) {
        const auto alive = box.lock();
        return !alive || alive->views.empty();
    });
    return !gone_.empty() ||
           std::any_of(mailboxes_.begin(), mailboxes_.end(), [](const auto& entry) {
               return entry.second->index && !entry.second->index->dead.empty();
           });
}

// Rows of bodies without a message, unless a view still shows one of them. Their octets stay in the
// journal until compaction.
Status AccountImpl::purge_bodies(Database& db, std::map<std::uint32_t, std::uint64_t>& died) {
    if (!may_have_dead_ || (any_dead_shown() && !mutated("purged_under_a_view"))) {
        return {};
    }
    std::int64_t count = 0;
    std::uint64_t last = 0;
    {
        auto query = db.query(
            "SELECT dead.body, segment, size FROM dead JOIN body ON body.id = dead.body "
            "ORDER BY dead.body LIMIT ?");
        query.bind(kPurgeCount);
        while (true) {
            QUORATE_TRY(const bool row, query.step());
            if (!row) {
                break;
            }
            ++count;
            last = query.number(0);
            died[query.number32(1)] += query.number(2);
        }
    }
    if (count > 0) {
        QUORATE_CHECK(
            db.query("DELETE FROM body WHERE id IN (SELECT body FROM dead WHERE body <= ?)")
                .bind(last)
                .run());
        QUORATE_CHECK(db.query("DELETE FROM dead WHERE body <= ?").bind(last).run());
    }
    may_have_dead_ = count == kPurgeCount;
    return {};
}

Result<Database*> AccountImpl::database() {
    if (database_ && !database_->in_memory()) {
        context_.databases.touch(place_);
        return database_.get();
    }
    QUORATE_TRY(const bool exists, context_.volume.exists(account_database(id_)));
    if (!exists && !pending_.empty() && !mutated("database_before_its_record")) {
        // A file without a record of its account in the journal would stay, torn, after a power
        // failure.
        QUORATE_CHECK(context_.journal.wait_durable(Lsn(pending_.front().lsn)));
    }
    QUORATE_TRY(auto opened, open_account_database(context_.volume, context_.vfs, id_));
    install_database(std::move(opened));
    return database_.get();
}

void AccountImpl::install_database(std::unique_ptr<Database> opened) {
    if (database_) {
        abandon_transaction();
        context_.databases.touch(place_);
    } else {
        place_ = context_.databases.add(this);
    }
    database_ = std::move(opened);
}

// A new account whose file has no room on the volume is read all the same: everything it has waits
// in pending_, and goes into a database in memory until settling finds room for the file.
Result<Database*> AccountImpl::readable() {
    if (database_ && database_->in_memory()) {
        return database_.get();
    }
    auto opened = database();
    if (opened || opened.error().code != errc::volume_full) {
        return opened;
    }
    QUORATE_TRY(const bool exists, context_.volume.exists(account_database(id_)));
    if (exists) {
        return opened;
    }
    QUORATE_TRY(auto stand_in, open_stand_in_database(id_));
    install_database(std::move(stand_in));
    return database_.get();
}

Result<Database*> AccountImpl::reading() {
    QUORATE_TRY(auto* const db, readable());
    if (applied_ < pending_.size()) {
        if (auto status = apply_pending(*db, pending_.size()); !status) {
            abandon_transaction();
            return tl::unexpected(std::move(status).error());
        }
    }
    return db;
}

// What it held is done again from pending_.
void AccountImpl::abandon_transaction() {
    applier_.reset();
    applied_ = 0;
    may_have_dead_ = true;
    for (auto& [id, box] : mailboxes_) {
        box->recent_dirty = true;
    }
    recent_dirty_ = !mailboxes_.empty();
    if (database_ && database_->in_transaction()) {
        database_->rollback();
    }
}

bool AccountImpl::try_close_database() {
    std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock || !database_ || database_->in_transaction()) {
        return false;
    }
    database_.reset();
    return true;
}

std::uint64_t AccountImpl::first_pending() {
    std::lock_guard lock(mutex_);
    return pending_.empty() ? 0 : pending_.front().lsn;
}

Status AccountImpl::note_all_dead() {
    QUORATE_TRY(auto* const db, reading());
    auto query = db->query("SELECT segment, sum(size) FROM body GROUP BY segment");
    while (true) {
        QUORATE_TRY(const bool row, query.step());
        if (!row) {
            return {};
        }
        context_.usage.died(query.number32(0), query.number(1));
    }
}

void AccountImpl::abandon() {
    std::lock_guard lock(mutex_);
    if (const auto noted = note_all_dead(); !noted) {
        context_.log.warn("removed_account_unreadable", "account", id_.value(), "reason",
                          noted.error().to_string());
    }
    abandon_transaction();
    if (database_) {
        context_.databases.remove(place_);
        database_.reset();
    }
    pending_.clear();
    pending_bytes_ = 0;
    recent_dirty_ = false;
    context_.unsettled.remove(this);
}

void AccountImpl::notify(Mailbox& box, const ViewImpl* by) {
    for (auto* view : box.views) {
        if (view != by) {
            view->notify();
        }
    }
}

}  // namespace quorate::mail::store
