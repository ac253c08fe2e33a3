#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mail/store/account.hpp"
#include "mail/store/errc.hpp"

namespace quorate::mail::imap {

// Answers of the store's own account, or a forced error instead.
class FaultyAccount final : public store::Account {
public:
    using Positions = std::span<const std::uint32_t>;

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
    store::QuotaUse quota_use() const override { return account_->quota_use(); }
    store::QuotaLimits quota_limits() const override { return account_->quota_limits(); }

    Result<std::vector<store::MailboxInfo>> mailboxes() override {
        return forward([&] { return account_->mailboxes(); });
    }
    Result<store::MailboxInfo> mailbox(std::string_view name) override {
        return forward([&] { return account_->mailbox(name); });
    }
    Result<store::MailboxInfo> mailbox(store::MailboxId id) override {
        return forward([&] { return account_->mailbox(id); });
    }
    Result<store::MailboxInfo> create(std::string_view name, store::SpecialUse use) override {
        return forward([&] { return account_->create(name, use); });
    }
    Status remove(std::string_view name) override {
        return forward([&] { return account_->remove(name); });
    }
    Status rename(std::string_view from, std::string_view to) override {
        return forward([&] { return account_->rename(from, to); });
    }
    Status subscribe(std::string_view name, bool subscribed) override {
        return forward([&] { return account_->subscribe(name, subscribed); });
    }
    Result<std::vector<std::string>> subscriptions() override {
        return forward([&] { return account_->subscriptions(); });
    }
    Result<std::unique_ptr<store::View>> open(store::MailboxId id, bool read_only,
                                              std::function<void()> on_change) override {
        return forward([&] { return account_->open(id, read_only, std::move(on_change)); });
    }
    Result<store::Uid> claim_recent(store::MailboxId id) override {
        return forward([&] { return account_->claim_recent(id); });
    }
    Result<store::Appended> append(store::MailboxId id, const store::NewMessage& message) override {
        return forward([&] { return account_->append(id, message); });
    }
    Result<std::vector<std::uint32_t>> change_flags(store::View& view, Positions positions,
                                                    const store::FlagChange& change) override {
        return forward([&] { return account_->change_flags(view, positions, change); });
    }
    Result<std::vector<store::Uid>> expunge(store::View& view,
                                            std::optional<Positions> positions) override {
        return forward([&] { return account_->expunge(view, positions); });
    }
    Result<std::size_t> remove_messages(store::MailboxId id,
                                        std::span<const store::Uid> uids) override {
        return forward([&] { return account_->remove_messages(id, uids); });
    }
    Result<store::Copied> copy(store::View& view, Positions positions,
                               store::MailboxId destination) override {
        return forward([&] { return account_->copy(view, positions, destination); });
    }
    Result<store::Copied> move(store::View& view, Positions positions,
                               store::MailboxId destination) override {
        return forward([&] { return account_->move(view, positions, destination); });
    }
    Result<store::Content> content(store::BodyId body) override {
        return forward([&] { return account_->content(body); });
    }
    Status for_each(std::span<const store::BodyId> bodies, Field field,
                    const std::function<bool(std::size_t, std::string_view)>& use) override {
        return forward([&] { return account_->for_each(bodies, field, use); });
    }
    Result<std::string> read_body(const store::BodyRef& body, std::uint64_t offset,
                                  std::uint64_t size) override {
        return forward([&] { return account_->read_body(body, offset, size); });
    }

private:
    template <class Call>
    auto forward(Call call) -> decltype(call()) {
        ++calls_;
        if (times_ > 0 && spared_ > 0) {
            --spared_;
        } else if (times_ > 0) {
            --times_;
            return quorate::fail(error_, "forced");
        }
        return call();
    }

    std::shared_ptr<store::Account> account_;
    store::errc error_{};
    unsigned spared_ = 0;
    unsigned times_ = 0;
    unsigned calls_ = 0;
};

}  // namespace quorate::mail::imap
