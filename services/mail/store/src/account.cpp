#include <algorithm>

#include "account_impl.hpp"
#include "chunk.hpp"
#include "mail/store/errc.hpp"
#include "schema.hpp"

namespace quorate::mail::store {
namespace {

// Indexes of mailboxes that no session has open stay in memory up to this sum over all accounts.
constexpr std::uint64_t kIdleIndexBytes = 256ULL << 20;

std::uint64_t index_bytes(const Index& index) {
    return sizeof(Index) + index.messages.capacity() * sizeof(Message);
}

// Fewer messages stand in a few pages.
constexpr std::uint32_t kReadAheadFrom = 4096;

// Room made before they are read: a counter has no checksum.
constexpr std::uint32_t kBelievedMessages = 1 << 20;

Status read_chunks(Database& db, MailboxId mailbox, std::vector<Message>& messages) {
    auto query = db.query("SELECT data FROM chunk WHERE key BETWEEN ? AND ?");
    const auto first = chunk_key(mailbox, 0);
    query.bind(first, first | 0xffffffffU);
    while (true) {
        QUORATE_TRY(const bool row, query.step());
        if (!row) {
            return {};
        }
        QUORATE_CHECK(decode_chunk(query.blob(0), messages));
    }
}

}  // namespace

AccountImpl::AccountImpl(Context& context, AccountId id, QuotaLimits limits)
    : context_(context), id_(id), limit_bytes_(limits.bytes), limit_messages_(limits.messages) {}

AccountImpl::~AccountImpl() {
    std::lock_guard lock(mutex_);
    for (const auto& [id, box] : mailboxes_) {
        if (box->index) {
            context_.index_bytes -= box->index->accounted;
        }
    }
    if (database_) {
        abandon_transaction();
        context_.databases.remove(place_);
    }
}

Result<std::shared_ptr<AccountImpl>> AccountImpl::load(Context& context, AccountId id,
                                                       QuotaLimits limits) {
    std::shared_ptr<AccountImpl> account(new AccountImpl(context, id, limits));
    QUORATE_TRY(const bool exists, context.volume.exists(account_database(id)));
    std::lock_guard lock(account->mutex_);
    if (exists) {
        QUORATE_CHECK(account->load_all());
    }
    if (account->mailboxes_.empty()) {
        QUORATE_CHECK(account->make_inbox());
    }
    return account;
}

std::shared_ptr<AccountImpl> AccountImpl::for_redo(Context& context, AccountId id) {
    return std::shared_ptr<AccountImpl>(new AccountImpl(context, id, {}));
}

Status AccountImpl::load_redone() {
    std::lock_guard lock(mutex_);
    return load_all();
}

Status AccountImpl::load_all() {
    QUORATE_TRY(auto* const db, reading());
    QUORATE_CHECK(load_mailboxes(*db));
    return load_names(*db);
}

Status AccountImpl::load_mailboxes(Database& db) {
    auto meta =
        db.query("SELECT modseq, next_mailbox, next_body, uid_validity, bytes, messages FROM meta");
    QUORATE_TRY(const bool has_meta, meta.step());
    if (!has_meta) {
        return fail(errc::damaged, db.path() + ": no meta row");
    }
    state_ = {meta.number(0),   meta.number32(1), meta.number(2),
              meta.number32(3), meta.number(4),   meta.number(5)};
    auto query = db.query(
        "SELECT id, name, uid_validity, object_id, special_use, created, uid_next, "
        "highest_modseq, messages, unseen, deleted, size, recent_from FROM mailbox");
    while (true) {
        QUORATE_TRY(const bool row, query.step());
        if (!row) {
            return {};
        }
        auto box = std::make_shared<Mailbox>();
        box->id = MailboxId(query.number32(0));
        box->name = query.blob(1);
        box->uid_validity = query.number32(2);
        box->object_id = id_from_bytes(query.blob(3));
        box->special_use = static_cast<SpecialUse>(query.integer(4));
        box->created = query.integer(5);
        box->counters = {query.number32(6), query.number(7),    query.number32(8),
                         query.number32(9), query.number32(10), query.number(11)};
        box->recent_from = query.number32(12);
        names_[box->name] = box->id;
        mailboxes_[box->id] = std::move(box);
    }
}

Status AccountImpl::load_names(Database& db) {
    auto keywords = db.query("SELECT mailbox, bit, name FROM keyword ORDER BY mailbox, bit");
    while (true) {
        QUORATE_TRY(const bool row, keywords.step());
        if (!row) {
            break;
        }
        const auto box = mailboxes_.find(MailboxId(keywords.number32(0)));
        if (box == mailboxes_.end() || box->second->keywords.size() != keywords.number(1)) {
            return fail(errc::damaged, db.path() + ": keyword of no mailbox or out of order");
        }
        box->second->keywords.emplace_back(keywords.blob(2));
    }
    auto names = db.query("SELECT name FROM subscription");
    while (true) {
        QUORATE_TRY(const bool row, names.step());
        if (!row) {
            return {};
        }
        subscriptions_.emplace(names.blob(0));
    }
}

Status AccountImpl::make_inbox() {
    OpWriter ops;
    auto state = state_;
    auto inbox = plan_mailbox("INBOX", SpecialUse::kNone, state, ops);
    QUORATE_CHECK(submit(ops, state));
    install({std::move(inbox)});
    return {};
}

Status AccountImpl::load_index(Mailbox& box) {
    if (box.index) {
        return {};
    }
    auto index = std::make_unique<Index>();
    if (box.counters.messages > 0) {
        QUORATE_TRY(auto* const db, reading());
        const auto expected = std::min(box.counters.messages, kBelievedMessages);
        index->messages.reserve(expected + expected / 16 + 4);
        db->read_ahead(box.counters.messages >= kReadAheadFrom);
        const auto read = read_chunks(*db, box.id, index->messages);
        db->read_ahead(false);
        QUORATE_CHECK(read);
        const auto not_ascending =
            std::adjacent_find(index->messages.begin(), index->messages.end(),
                               [](const Message& a, const Message& b) { return a.uid >= b.uid; });
        if (index->messages.size() != box.counters.messages ||
            not_ascending != index->messages.end()) {
            return fail(errc::damaged, db->path() + ": mailbox " + std::to_string(box.id.value()) +
                                           " counts " + std::to_string(box.counters.messages) +
                                           " messages, has " +
                                           std::to_string(index->messages.size()));
        }
    }
    box.index = std::move(index);
    account_index(box);
    return {};
}

void AccountImpl::account_index(Mailbox& box) {
    const auto now = index_bytes(*box.index);
    context_.index_bytes += now - box.index->accounted;
    box.index->accounted = now;
}

Result<std::unique_ptr<View>> AccountImpl::open(MailboxId id, bool read_only,
                                                std::function<void()> on_change) {
    std::lock_guard lock(mutex_);
    QUORATE_TRY(auto box, find(id));
    QUORATE_CHECK(load_index(*box));
    return std::unique_ptr<View>(std::make_unique<ViewImpl>(shared_from_this(), std::move(box),
                                                            read_only, std::move(on_change)));
}

void AccountImpl::view_closed(Mailbox& box, ViewImpl* view) {
    std::lock_guard lock(mutex_);
    std::erase(box.views, view);
    box.purge_index();
    if (box.views.empty() && box.index &&
        (box.gone || context_.index_bytes.load() > kIdleIndexBytes)) {
        context_.index_bytes -= box.index->accounted;
        box.index.reset();
    }
}

void AccountImpl::recent_claimed(Mailbox& box) {
    box.recent_dirty = true;
    recent_dirty_ = true;
    if (pending_.empty()) {
        pending_since_.store(context_.journal.position(), std::memory_order_relaxed);
        context_.unsettled.add(shared_from_this());
    }
}

Result<Uid> AccountImpl::claim_recent(MailboxId id) {
    std::lock_guard lock(mutex_);
    QUORATE_TRY(const auto box, find(id));
    const auto first = box->recent_from;
    if (first < box->counters.uid_next) {
        box->recent_from = box->counters.uid_next;
        recent_claimed(*box);
    }
    return first;
}

Result<std::uint32_t> AccountImpl::count_recent(Mailbox& box) {
    if (box.recent_from >= box.counters.uid_next || box.counters.messages == 0) {
        return 0U;
    }
    if (box.recent_from == 1) {
        return box.counters.messages;
    }
    if (box.index) {
        const auto at = box.index->lower_bound(box.recent_from);
        const auto& dead = box.index->dead;
        const auto gone = dead.end() - std::lower_bound(dead.begin(), dead.end(), at);
        return static_cast<std::uint32_t>(box.index->messages.size()) - at -
               static_cast<std::uint32_t>(gone);
    }
    QUORATE_TRY(auto* const db, reading());
    auto query = db->query("SELECT data FROM chunk WHERE key BETWEEN ? AND ?");
    query.bind(chunk_key(box.id, box.recent_from), chunk_key(box.id, 0) | 0xffffffffU);
    std::vector<Message> messages;
    while (true) {
        QUORATE_TRY(const bool row, query.step());
        if (!row) {
            break;
        }
        QUORATE_CHECK(decode_chunk(query.blob(0), messages));
    }
    return static_cast<std::uint32_t>(
        std::count_if(messages.begin(), messages.end(),
                      [&](const Message& message) { return message.uid >= box.recent_from; }));
}

QuotaUse AccountImpl::quota_use() const {
    std::lock_guard lock(mutex_);
    return {state_.bytes, state_.messages};
}

QuotaLimits AccountImpl::quota_limits() const { return {limit_bytes_, limit_messages_}; }

void AccountImpl::set_limits(QuotaLimits limits) {
    limit_bytes_ = limits.bytes;
    limit_messages_ = limits.messages;
}

}  // namespace quorate::mail::store
