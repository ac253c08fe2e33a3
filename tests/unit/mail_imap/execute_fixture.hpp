#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mail/imap/executor.hpp"
#include "mail/store/errc.hpp"
#include "mail/store/store.hpp"

// The executor on a real store in a temporary directory, driven by the text of commands.
namespace quorate::mail::imap {

// Answers of the store's own account, or a forced error instead.
class FaultyAccount final : public store::Account {
public:
    using PositionSpan = std::span<const std::uint32_t>;
    using Changed = Result<std::vector<std::uint32_t>>;

    explicit FaultyAccount(std::shared_ptr<store::Account> account)
        : account_(std::move(account)) {}

    // The calls after the next `spared` ones fail, `times` of them.
    void fail(store::errc error, unsigned spared = 0, unsigned times = 1) {
        error_ = error;
        spared_ = spared;
        times_ = times;
    }
    unsigned calls() const { return calls_; }

    store::AccountId id() const override { return account_->id(); }
    store::Lsn last_lsn() const override { return account_->last_lsn(); }
    Result<std::vector<store::MailboxInfo>> mailboxes() override;
    Result<store::MailboxInfo> mailbox(std::string_view name) override;
    Result<store::MailboxInfo> mailbox(store::MailboxId id) override;
    Result<store::MailboxInfo> create(std::string_view name, store::SpecialUse use) override;
    Status remove(std::string_view name) override;
    Status rename(std::string_view from, std::string_view to) override;
    Status subscribe(std::string_view name, bool subscribed) override;
    Result<std::vector<std::string>> subscriptions() override;
    Result<std::unique_ptr<store::View>> open(store::MailboxId id, bool read_only,
                                              std::function<void()> on_change) override;
    Result<store::Uid> claim_recent(store::MailboxId id) override;
    Result<store::Appended> append(store::MailboxId id, const store::NewMessage& message) override;
    Changed change_flags(store::View& view, PositionSpan positions,
                         const store::FlagChange& change) override;
    Result<std::vector<store::Uid>> expunge(
        store::View& view, std::optional<std::span<const std::uint32_t>> positions) override;
    Result<std::size_t> remove_messages(store::MailboxId id,
                                        std::span<const store::Uid> uids) override;
    Result<store::Copied> copy(store::View& view, std::span<const std::uint32_t> positions,
                               store::MailboxId destination) override;
    Result<store::Copied> move(store::View& view, std::span<const std::uint32_t> positions,
                               store::MailboxId destination) override;
    Result<store::Content> content(store::BodyId body) override;
    Status for_each(std::span<const store::BodyId> bodies, Field field,
                    const std::function<bool(std::size_t, std::string_view)>& use) override;
    Result<std::string> read_body(const store::BodyRef& body, std::uint64_t offset,
                                  std::uint64_t size) override;
    store::QuotaUse quota_use() const override { return account_->quota_use(); }
    store::QuotaLimits quota_limits() const override { return account_->quota_limits(); }

private:
    Status next_call();
    template <class Call>
    auto forward(Call call) -> decltype(call());

    std::shared_ptr<store::Account> account_;
    store::errc error_{};
    unsigned spared_ = 0;
    unsigned times_ = 0;
    unsigned calls_ = 0;
};

// A store with one account.
class Mail {
public:
    explicit Mail(store::QuotaLimits limits = {});
    ~Mail();
    Mail(const Mail&) = delete;
    Mail& operator=(const Mail&) = delete;

    FaultyAccount& account() { return *account_; }
    store::Store& store() { return *store_; }
    const std::filesystem::path& folder() const { return folder_; }

    struct Delivery {
        store::FlagBits flags = 0;
        std::vector<std::string> keywords;
        store::ZonedTime date{1'000'000'000, 120};  // 09-Sep-2001 03:46:40 +0200
    };
    store::Uid deliver(std::string_view message, std::string_view mailbox = "INBOX");
    store::Uid deliver(std::string_view message, std::string_view mailbox,
                       const Delivery& delivery);
    // `count` small messages.
    void fill(unsigned count, std::string_view mailbox = "INBOX");
    std::string uid_validity(std::string_view mailbox);
    // What the shell does between calls: waits for the journal, commits.
    void settle();

private:
    std::filesystem::path folder_;
    std::unique_ptr<store::Volume> volume_;
    std::unique_ptr<store::Store> store_;
    std::shared_ptr<store::Account> own_;
    std::unique_ptr<FaultyAccount> account_;
};

// One session. Every response is checked against the grammar.
class Client {
public:
    explicit Client(Mail& mail, Executor::Options options = {});

    // Runs "FETCH 1 FLAGS" with the tag "a" and returns all responses.
    std::string operator()(std::string_view command);
    // The same; true when it is answered OK.
    bool ok(std::string_view command);
    // "INBOX (\\Seen) \"date\" ": what stands between APPEND and the message.
    std::string append(std::string_view arguments, std::string_view message);
    std::string append_check(std::string_view mailbox, std::uint64_t size);
    std::string poll();
    std::string run(const Command& command, AppendBody* body = nullptr);
    // The executor's own answer, without retries.
    Result<Piece> begin(const Command& command);
    Piece next();
    void close() { executor_.close(); }

    const Executed& executed() const { return executed_; }
    std::size_t pieces() const { return pieces_; }
    std::size_t largest_piece() const { return largest_piece_; }
    unsigned wake_ups() const { return *wake_ups_; }

private:
    RunContext context(AppendBody* body);
    Command parse(std::string_view command);

    Mail& mail_;
    std::shared_ptr<unsigned> wake_ups_;
    Executor executor_;
    Executed executed_;
    std::size_t pieces_ = 0;
    std::size_t largest_piece_ = 0;
};

// Every LF becomes CRLF.
std::string crlf(std::string_view text);

}  // namespace quorate::mail::imap
