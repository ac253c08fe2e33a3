#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "applier.hpp"
#include "context.hpp"
#include "database.hpp"
#include "index.hpp"
#include "mail/store/account.hpp"
#include "mail/store/store.hpp"
#include "ops.hpp"
#include "view.hpp"

namespace quorate::mail::store {

// See Account. The counters, names and (when needed) indexes are in memory and are the truth
// together with the journal; the database follows.
//
// A change is planned (nothing touched), put into the journal, and then installed in memory, which
// cannot fail; its redo record waits in `pending_`. settle() applies what is durable to the
// database and commits. A read of the database first applies what waits, uncommitted: so the
// database on the volume is never ahead of the journal. If SQLite fails (a full volume), the
// transaction is rolled back and done again later from `pending_`.
//
// The mutex is for the store's own threads (checkpoint, compaction, closing of idle databases);
// the shell calls on the account's strand. Indexes and views are read by the strand without it, and
// changed by the strand alone, with it.
class AccountImpl final : public Account, public std::enable_shared_from_this<AccountImpl> {
public:
    struct Pending {
        std::uint64_t lsn = 0;
        std::string ops;
    };

    static Result<std::shared_ptr<AccountImpl>> load(Context& context, AccountId id,
                                                     QuotaLimits limits);
    // For recovery: an account with changes that its database may lack, not loaded.
    static std::shared_ptr<AccountImpl> for_redo(Context& context, AccountId id);
    ~AccountImpl() override;

    AccountId id() const override { return id_; }
    Lsn last_lsn() const override { return Lsn(last_lsn_.load(std::memory_order_acquire)); }

    Result<std::vector<MailboxInfo>> mailboxes() override;
    Result<MailboxInfo> mailbox(std::string_view name) override;
    Result<MailboxInfo> mailbox(MailboxId id) override;
    Result<MailboxInfo> create(std::string_view name, SpecialUse special_use) override;
    Status remove(std::string_view name) override;
    Status rename(std::string_view from, std::string_view to) override;
    Status subscribe(std::string_view name, bool subscribed) override;
    Result<std::vector<std::string>> subscriptions() override;

    Result<std::unique_ptr<View>> open(MailboxId id, bool read_only,
                                       std::function<void()> on_change) override;
    Result<Uid> claim_recent(MailboxId id) override;

    Result<Appended> append(MailboxId id, const NewMessage& message) override;
    Result<std::vector<std::uint32_t>> change_flags(View& view,
                                                    std::span<const std::uint32_t> positions,
                                                    const FlagChange& change) override;
    Result<std::vector<Uid>> expunge(
        View& view, std::optional<std::span<const std::uint32_t>> positions) override;
    Result<std::size_t> remove_messages(MailboxId id, std::span<const Uid> uids) override;
    Result<Copied> copy(View& view, std::span<const std::uint32_t> positions,
                        MailboxId destination) override;
    Result<Copied> move(View& view, std::span<const std::uint32_t> positions,
                        MailboxId destination) override;

    Result<Content> content(BodyId body) override;
    Status for_each(
        std::span<const BodyId> bodies, Field field,
        const std::function<bool(std::size_t index, std::string_view text)>& use) override;
    Result<std::string> read_body(const BodyRef& body, std::uint64_t offset,
                                  std::uint64_t size) override;

    QuotaUse quota_use() const override;
    QuotaLimits quota_limits() const override;

    // ---- for the store and the views
    std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }
    void set_limits(QuotaLimits limits);
    // Commits what is durable.
    Status settle();
    // Adds redone changes, durable and in order, and settles them.
    Status redo(std::vector<Pending> changes);
    // After redo() that could not settle everything: becomes as good as loaded.
    Status load_redone();
    bool try_close_database();
    // 0: everything is in the database.
    std::uint64_t first_pending();
    // Journal position of the oldest change that is not in the database.
    std::uint64_t pending_since() const { return pending_since_.load(std::memory_order_relaxed); }
    void view_closed(Mailbox& box, ViewImpl* view);
    void recent_claimed(Mailbox& box);
    Status verify(Store::VerifyReport& report);
    // Before it is removed: all its bodies are dead, and nothing is settled any more.
    void abandon();

    struct LiveBody {
        BodyId id;
        BodyRef ref;
    };
    // Bodies of this account in a segment; what waits is applied first.
    Result<std::vector<LiveBody>> bodies_in(std::uint32_t segment);
    // Journals that bodies stand elsewhere now; those gone meanwhile are skipped.
    Status relocate(std::span<const LiveBody> moved);

private:
    struct FlagPlan {
        FlagBits flags = 0;
        std::vector<std::string> keywords;  // of the mailbox, new ones at the end
    };
    // What a COPY or MOVE does to its destination.
    struct Transfer {
        std::vector<Message> messages;
        std::vector<std::string> keywords;
        MailboxCounters counters;
    };

    AccountImpl(Context& context, AccountId id, QuotaLimits limits);

    // ---- loading (account.cpp)
    Status load_all();
    Status load_mailboxes(Database& db);
    Status load_names(Database& db);
    Status make_inbox();
    Status load_index(Mailbox& box);
    void account_index(Mailbox& box);
    Result<std::uint32_t> count_recent(Mailbox& box);

    // ---- mailboxes (account_mailboxes.cpp)
    Result<std::shared_ptr<Mailbox>> find(MailboxId id);
    Result<std::shared_ptr<Mailbox>> find(std::string_view name);
    Result<MailboxInfo> info(Mailbox& box);
    std::shared_ptr<Mailbox> plan_mailbox(std::string name, SpecialUse use, AccountState& state,
                                          OpWriter& ops);
    std::vector<std::shared_ptr<Mailbox>> plan_parents(std::string_view name, AccountState& state,
                                                       OpWriter& ops);
    void install(std::vector<std::shared_ptr<Mailbox>> created);
    Status check_room(std::size_t more) const;
    Result<std::vector<std::pair<std::shared_ptr<Mailbox>, std::string>>> plan_renames(
        std::string_view from, std::string_view to) const;
    Status rename_inbox(const std::string& to);

    // ---- messages (account_messages.cpp, account_transfer.cpp)
    Result<FlagPlan> plan_flags(const std::vector<std::string>& known, FlagBits system_flags,
                                std::span<const std::string> keywords) const;
    static void write_keywords(const Mailbox& box, const std::vector<std::string>& keywords,
                               OpWriter& ops);
    Status check_quota(std::uint64_t bytes, std::uint64_t messages) const;
    Status check_body(const BodyRef& ref) const;
    Result<ViewImpl*> own_view(View& view, bool for_writing) const;
    std::vector<std::uint32_t> live_indexes(const ViewImpl& view,
                                            std::span<const std::uint32_t> positions) const;
    Status remove_at(Mailbox& box, std::span<const std::uint32_t> indexes, ViewImpl* by);
    // `counters`: of the mailbox before; brought up to date.
    void plan_removal(const Mailbox& box, std::span<const std::uint32_t> indexes,
                      MailboxCounters& counters, AccountState& state, OpWriter& ops) const;
    void install_removal(Mailbox& box, std::span<const std::uint32_t> indexes,
                         const MailboxCounters& counters, ViewImpl* by);
    Result<Transfer> plan_transfer(const Mailbox& from, std::span<const std::uint32_t> indexes,
                                   const Mailbox& to, AccountState& state, OpWriter& ops) const;
    Result<std::vector<FlagBits>> plan_keywords(const Mailbox& from,
                                                std::span<const std::uint32_t> indexes,
                                                const Mailbox& to,
                                                std::vector<std::string>& keywords) const;
    void install_transfer(Transfer transfer, Mailbox& to);
    Result<Copied> transfer(View& view, std::span<const std::uint32_t> positions,
                            MailboxId destination, bool move);

    // ---- journal and database (account_settle.cpp)
    Status ready_for_change();
    // The change is in effect when it returns without error: install it.
    Status submit(OpWriter& ops, const AccountState& state);
    Status settle_durable();
    Status commit_first(std::size_t count);
    Status apply_pending(Database& db, std::size_t count);
    Status write_recent(Database& db);
    Status purge_bodies(Database& db, std::map<std::uint32_t, std::uint64_t>& died);
    bool any_dead_shown();
    Status note_all_dead();
    Result<Database*> database();  // the file
    void install_database(std::unique_ptr<Database> opened);
    Result<Database*> readable();
    Result<Database*> reading();  // with all that waits applied
    void abandon_transaction();
    void update_pending();
    void notify(Mailbox& box, const ViewImpl* by);

    Context& context_;
    const AccountId id_;
    std::atomic<std::uint64_t> limit_bytes_;
    std::atomic<std::uint64_t> limit_messages_;

    mutable std::mutex mutex_;
    AccountState state_;
    // Owned together with the views of a mailbox, which may outlive its deletion.
    std::map<MailboxId, std::shared_ptr<Mailbox>> mailboxes_;
    std::map<std::string, MailboxId, std::less<>> names_;
    std::set<std::string, std::less<>> subscriptions_;
    std::vector<std::weak_ptr<Mailbox>> gone_;  // deleted under a session

    std::unique_ptr<Database> database_;
    OpenDatabases::Place place_;
    std::optional<Applier> applier_;  // while a transaction is open
    std::deque<Pending> pending_;
    std::size_t pending_bytes_ = 0;
    std::size_t applied_ = 0;  // of pending_, in the open transaction
    bool recent_dirty_ = false;
    bool may_have_dead_ = true;
    std::atomic<std::uint64_t> pending_since_{0};
    std::atomic<std::uint64_t> last_lsn_{0};
};

}  // namespace quorate::mail::store
