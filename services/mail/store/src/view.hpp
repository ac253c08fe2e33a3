#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "index.hpp"
#include "mail/store/account.hpp"
#include "ranges.hpp"

namespace quorate::mail::store {

class AccountImpl;

// See View. Shows messages [0, end_) of the index without those it hides. Kept small: most of
// ten thousand sessions are idle.
class ViewImpl final : public View {
public:
    // The account and its views own it together; so the mailbox, which outlives its deletion.
    ViewImpl(std::shared_ptr<AccountImpl> account, std::shared_ptr<Mailbox> box, bool read_only,
             std::function<void()> on_change);
    ~ViewImpl() override;

    MailboxId mailbox() const override { return box_->id; }
    bool read_only() const override { return read_only_; }
    std::uint32_t size() const override {
        return end_ - static_cast<std::uint32_t>(hidden_.size());
    }
    const Message& at(std::uint32_t position) const override {
        return box_->index->messages[index_of(position)];
    }
    bool expunged(std::uint32_t position) const override {
        return box_->gone || box_->index->is_dead(index_of(position));
    }
    std::uint32_t lower_bound(Uid uid) const override;
    bool recent(std::uint32_t position) const override;
    std::optional<std::uint32_t> first_unseen() const override;
    const std::vector<std::string>& keywords() const override { return box_->keywords; }
    bool gone() const override { return box_->gone; }
    Changes sync(bool expunges) override;
    bool has_changes() const override { return changed_.load(std::memory_order_relaxed); }

    // For the account, on its strand.
    Mailbox& box() { return *box_; }
    const AccountImpl* account() const { return account_.get(); }
    std::uint32_t index_of(std::uint32_t position) const;
    void touch(std::span<const Uid> uids);  // flags changed by another caller
    // Something to report at the next sync; notify() wakes its session too.
    void mark_changed() { changed_.store(true, std::memory_order_relaxed); }
    void notify();
    bool hides_all_dead() const;
    void before_purge();

private:
    std::uint32_t position_of(std::uint32_t index) const;
    bool is_recent(Uid uid) const;
    void grow(Changes& changes);
    void report_expunges(Changes& changes);
    void report_flags(Changes& changes, std::uint32_t old_end);
    void claim_recent(Uid first);
    std::uint32_t count_recent() const;

    std::shared_ptr<AccountImpl> account_;
    std::shared_ptr<Mailbox> box_;
    std::function<void()> on_change_;
    std::vector<std::uint32_t> hidden_;  // ascending, all dead, all < end_
    std::vector<Uid> touched_;
    std::vector<UidRange> recent_;
    std::uint32_t end_ = 0;
    std::uint32_t recent_count_ = 0;
    std::uint32_t keywords_seen_ = 0;
    bool read_only_;
    std::atomic<bool> changed_{false};
};

}  // namespace quorate::mail::store
