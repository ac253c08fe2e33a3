#include <algorithm>
#include <bit>
#include <limits>

#include "account_impl.hpp"
#include "mail/store/errc.hpp"

namespace quorate::mail::store {
namespace {

constexpr std::uint64_t kUidsMax = std::numeric_limits<Uid>::max() - 1;

}  // namespace

// The flags that each message gets in the destination, whose keywords have bits of their own.
Result<std::vector<FlagBits>> AccountImpl::plan_keywords(const Mailbox& from,
                                                         std::span<const std::uint32_t> indexes,
                                                         const Mailbox& to,
                                                         std::vector<std::string>& keywords) const {
    FlagBits used = 0;
    for (const auto at : indexes) {
        used |= from.index->messages[at].flags;
    }
    std::vector<FlagBits> bits(from.keywords.size(), 0);
    keywords = to.keywords;
    for (std::size_t i = 0; i < bits.size(); ++i) {
        if ((used >> (kFirstKeyword + i) & 1) != 0) {
            QUORATE_TRY(auto plan, plan_flags(keywords, 0, {&from.keywords[i], 1}));
            bits[i] = plan.flags;
            keywords = std::move(plan.keywords);
        }
    }
    std::vector<FlagBits> flags;
    flags.reserve(indexes.size());
    for (const auto at : indexes) {
        const auto before = from.index->messages[at].flags;
        auto after = before & kSystemFlags;
        for (auto rest = before >> kFirstKeyword; rest != 0; rest &= rest - 1) {
            after |= bits[static_cast<std::size_t>(std::countr_zero(rest))];
        }
        flags.push_back(after);
    }
    return flags;
}

Result<AccountImpl::Transfer> AccountImpl::plan_transfer(const Mailbox& from,
                                                         std::span<const std::uint32_t> indexes,
                                                         const Mailbox& to, AccountState& state,
                                                         OpWriter& ops) const {
    Transfer transfer;
    transfer.counters = to.counters;
    auto& counters = transfer.counters;
    QUORATE_TRY(const auto flags, plan_keywords(from, indexes, to, transfer.keywords));
    if (counters.uid_next + std::uint64_t{indexes.size()} > kUidsMax) {
        return fail(errc::too_large, "mailbox " + to.name + " has no uid left");
    }
    write_keywords(to, transfer.keywords, ops);
    counters.highest_modseq = ++state.modseq;
    const auto now = context_.now();
    transfer.messages.reserve(indexes.size());
    for (std::size_t i = 0; i < indexes.size(); ++i) {
        auto message = from.index->messages[indexes[i]];
        message.uid = counters.uid_next++;
        message.flags = flags[i];
        message.modseq = state.modseq;
        message.save_date = now;
        counters.messages += 1;
        counters.unseen += (message.flags & kSeen) == 0 ? 1 : 0;
        counters.deleted += (message.flags & kDeleted) != 0 ? 1 : 0;
        counters.size += message.size;
        state.bytes += message.size;
        state.messages += 1;
        ops.put(OpMessage{to.id, message});
        transfer.messages.push_back(message);
    }
    ops.put(OpCounters{to.id, counters});
    return transfer;
}

void AccountImpl::install_transfer(Transfer transfer, Mailbox& to) {
    to.counters = transfer.counters;
    if (transfer.keywords.size() > to.keywords.size()) {
        to.keywords = std::move(transfer.keywords);
    }
    if (to.index) {
        auto& messages = to.index->messages;
        messages.insert(messages.end(), transfer.messages.begin(), transfer.messages.end());
        account_index(to);
    }
    notify(to, nullptr);
}

Result<Copied> AccountImpl::copy(View& view, std::span<const std::uint32_t> positions,
                                 MailboxId destination) {
    return transfer(view, positions, destination, /*move=*/false);
}

Result<Copied> AccountImpl::move(View& view, std::span<const std::uint32_t> positions,
                                 MailboxId destination) {
    return transfer(view, positions, destination, /*move=*/true);
}

Result<Copied> AccountImpl::transfer(View& the_view, std::span<const std::uint32_t> positions,
                                     MailboxId destination, bool move) {
    std::lock_guard lock(mutex_);
    QUORATE_TRY(auto* const view, own_view(the_view, /*for_writing=*/move));
    QUORATE_TRY(const auto to, find(destination));
    auto& from = view->box();
    auto indexes = live_indexes(*view, positions);
    if (move) {
        std::sort(indexes.begin(), indexes.end());
        indexes.erase(std::unique(indexes.begin(), indexes.end()), indexes.end());
    }
    Copied copied;
    copied.uid_validity = to->uid_validity;
    if (indexes.empty()) {
        return copied;
    }
    std::uint64_t bytes = 0;
    for (const auto at : indexes) {
        bytes += from.index->messages[at].size;
        copied.source_uids.push_back(from.index->messages[at].uid);
    }
    if (!move) {
        QUORATE_CHECK(check_quota(bytes, indexes.size()));
    }
    QUORATE_CHECK(ready_for_change());
    OpWriter ops;
    auto state = state_;
    QUORATE_TRY(auto planned, plan_transfer(from, indexes, *to, state, ops));
    for (const auto& message : planned.messages) {
        copied.destination_uids.push_back(message.uid);
    }
    auto counters = &from == to.get() ? planned.counters : from.counters;
    if (move) {
        plan_removal(from, indexes, counters, state, ops);
    }
    QUORATE_CHECK(submit(ops, state));
    install_transfer(std::move(planned), *to);
    if (move) {
        install_removal(from, indexes, counters, view);
    }
    return copied;
}

}  // namespace quorate::mail::store
