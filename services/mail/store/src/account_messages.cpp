#include <algorithm>
#include <limits>

#include "account_impl.hpp"
#include "base/text.hpp"
#include "mail/store/errc.hpp"
#include "names.hpp"

namespace quorate::mail::store {
namespace {

constexpr std::uint64_t kMessageBytesMax = std::numeric_limits<std::int32_t>::max();
constexpr Uid kUidMax = std::numeric_limits<Uid>::max() - 1;

void add_to(MailboxCounters& counters, const Message& message) {
    counters.messages += 1;
    counters.unseen += (message.flags & kSeen) == 0 ? 1 : 0;
    counters.deleted += (message.flags & kDeleted) != 0 ? 1 : 0;
    counters.size += message.size;
}

}  // namespace

Status AccountImpl::check_quota(std::uint64_t bytes, std::uint64_t messages) const {
    const std::uint64_t limit_bytes = limit_bytes_;
    const std::uint64_t limit_messages = limit_messages_;
    if ((limit_bytes != 0 && state_.bytes + bytes > limit_bytes) ||
        (limit_messages != 0 && state_.messages + messages > limit_messages)) {
        return fail(errc::over_quota, "account " + std::to_string(id_.value()));
    }
    return {};
}

// Compaction may not take a body away between its arrival and this.
Status AccountImpl::check_body(const BodyRef& ref) const {
    if (ref.size > kMessageBytesMax) {
        return fail(errc::too_large, "message of " + std::to_string(ref.size) + " octets");
    }
    if (context_.relocations.closed(ref.segment)) {
        return fail(errc::damaged, body_file_path(ref.segment) + ": is being compacted");
    }
    return {};
}

// Bits for the flags and keywords; a keyword that the mailbox does not know yet gets the next bit.
Result<AccountImpl::FlagPlan> AccountImpl::plan_flags(const std::vector<std::string>& known,
                                                      FlagBits system_flags,
                                                      std::span<const std::string> keywords) const {
    FlagPlan plan{system_flags & kSystemFlags, known};
    for (const auto& keyword : keywords) {
        const auto at =
            std::find_if(plan.keywords.begin(), plan.keywords.end(),
                         [&](const std::string& candidate) { return iequals(candidate, keyword); });
        if (at == plan.keywords.end()) {
            QUORATE_CHECK(check_keyword(keyword));
            if (plan.keywords.size() == kKeywordsMax) {
                return fail(errc::too_many_keywords, keyword);
            }
            plan.flags |= FlagBits{1} << (kFirstKeyword + plan.keywords.size());
            plan.keywords.push_back(keyword);
        } else {
            plan.flags |= FlagBits{1} << (kFirstKeyword + (at - plan.keywords.begin()));
        }
    }
    return plan;
}

void AccountImpl::write_keywords(const Mailbox& box, const std::vector<std::string>& keywords,
                                 OpWriter& ops) {
    for (auto i = box.keywords.size(); i < keywords.size(); ++i) {
        ops.put(OpKeyword{box.id, static_cast<std::uint8_t>(i), keywords[i]});
    }
}

Result<Appended> AccountImpl::append(MailboxId id, const NewMessage& added) {
    std::lock_guard lock(mutex_);
    QUORATE_TRY(const auto box, find(id));
    QUORATE_CHECK(check_body(added.body));
    QUORATE_CHECK(check_quota(added.body.size, 1));
    QUORATE_TRY(auto plan, plan_flags(box->keywords, added.system_flags, added.keywords));
    QUORATE_CHECK(ready_for_change());
    auto counters = box->counters;
    if (counters.uid_next >= kUidMax) {
        return fail(errc::too_large, "mailbox " + box->name + " has no uid left");
    }
    auto state = state_;
    Message message;
    message.uid = counters.uid_next++;
    message.flags = plan.flags;
    message.modseq = counters.highest_modseq = ++state.modseq;
    message.body = BodyId(state.next_body++);
    message.size = static_cast<std::uint32_t>(added.body.size);
    message.internal_date = added.internal_date;
    message.save_date = context_.now();
    add_to(counters, message);
    state.bytes += message.size;
    state.messages += 1;

    OpWriter ops;
    write_keywords(*box, plan.keywords, ops);
    const auto& summary = *added.summary;
    ops.put(OpBody{message.body, added.body, context_.random_id(), summary.envelope, summary.body,
                   summary.bodystructure, summary.structure});
    ops.put(OpMessage{id, message});
    ops.put(OpCounters{id, counters});
    QUORATE_CHECK(submit(ops, state));
    install_transfer({{message}, std::move(plan.keywords), counters}, *box);
    return Appended{box->uid_validity, message.uid};
}

Result<ViewImpl*> AccountImpl::own_view(View& view, bool for_writing) const {
    auto& own = static_cast<ViewImpl&>(view);
    if (own.gone()) {
        return fail(errc::no_such_mailbox, own.box().name);
    }
    if (for_writing && own.read_only()) {
        return fail(errc::read_only, own.box().name);
    }
    return &own;
}

std::vector<std::uint32_t> AccountImpl::live_indexes(
    const ViewImpl& view, std::span<const std::uint32_t> positions) const {
    std::vector<std::uint32_t> indexes;
    indexes.reserve(positions.size());
    for (const auto position : positions) {
        if (position < view.size() && !view.expunged(position)) {
            indexes.push_back(view.index_of(position));
        }
    }
    return indexes;
}

Result<std::vector<std::uint32_t>> AccountImpl::change_flags(
    View& the_view, std::span<const std::uint32_t> positions, const FlagChange& change) {
    std::lock_guard lock(mutex_);
    QUORATE_TRY(auto* const view, own_view(the_view, /*for_writing=*/true));
    auto& box = view->box();
    QUORATE_TRY(auto plan, plan_flags(box.keywords, change.system_flags, change.keywords));
    QUORATE_CHECK(ready_for_change());
    const FlagBits set = change.action == FlagAction::kRemove ? 0 : plan.flags;
    const FlagBits clear = change.action == FlagAction::kReplace  ? ~FlagBits{0}
                           : change.action == FlagAction::kRemove ? plan.flags
                                                                  : 0;
    auto& messages = box.index->messages;
    auto counters = box.counters;
    std::vector<std::uint32_t> changed;
    std::vector<Uid> uids;
    for (const auto position : positions) {
        if (position >= view->size() || view->expunged(position)) {
            continue;
        }
        const auto& message = messages[view->index_of(position)];
        const auto flags = (message.flags & ~clear) | set;
        if (flags != message.flags) {
            changed.push_back(position);
            uids.push_back(message.uid);
            counters.unseen += (flags & kSeen) == 0 ? 1 : 0;
            counters.unseen -= (message.flags & kSeen) == 0 ? 1 : 0;
            counters.deleted += (flags & kDeleted) != 0 ? 1 : 0;
            counters.deleted -= (message.flags & kDeleted) != 0 ? 1 : 0;
        }
    }
    if (changed.empty()) {
        return changed;
    }
    std::sort(uids.begin(), uids.end());
    auto state = state_;
    counters.highest_modseq = ++state.modseq;
    OpWriter ops;
    write_keywords(box, plan.keywords, ops);
    ops.put(OpFlags{box.id, state.modseq, clear, set, to_ranges(uids)});
    ops.put(OpCounters{box.id, counters});
    QUORATE_CHECK(submit(ops, state));

    for (const auto position : changed) {
        const auto at = view->index_of(position);
        auto& message = messages[at];
        message.flags = (message.flags & ~clear) | set;
        message.modseq = state.modseq;
        if ((message.flags & kSeen) == 0) {
            box.index->unseen_at(at);
        }
    }
    box.counters = counters;
    if (plan.keywords.size() > box.keywords.size()) {
        box.keywords = std::move(plan.keywords);
        view->mark_changed();
    }
    for (auto* const other : box.views) {
        if (other != view) {
            other->touch(uids);
        }
    }
    notify(box, view);
    return changed;
}

void AccountImpl::plan_removal(const Mailbox& box, std::span<const std::uint32_t> indexes,
                               MailboxCounters& counters, AccountState& state,
                               OpWriter& ops) const {
    std::vector<Uid> uids;
    uids.reserve(indexes.size());
    for (const auto at : indexes) {
        const auto& message = box.index->messages[at];
        uids.push_back(message.uid);
        counters.messages -= 1;
        counters.unseen -= (message.flags & kSeen) == 0 ? 1 : 0;
        counters.deleted -= (message.flags & kDeleted) != 0 ? 1 : 0;
        counters.size -= message.size;
        state.bytes -= message.size;
        state.messages -= 1;
    }
    counters.highest_modseq = ++state.modseq;
    ops.put(OpRemoved{box.id, state.modseq, to_ranges(uids)});
    ops.put(OpCounters{box.id, counters});
}

void AccountImpl::install_removal(Mailbox& box, std::span<const std::uint32_t> indexes,
                                  const MailboxCounters& counters, ViewImpl* by) {
    box.index->kill(indexes);
    box.counters = counters;
    may_have_dead_ = true;
    if (by != nullptr) {
        by->mark_changed();
    }
    notify(box, by);
    box.purge_index();
}

// `indexes` ascend and are alive.
Status AccountImpl::remove_at(Mailbox& box, std::span<const std::uint32_t> indexes, ViewImpl* by) {
    QUORATE_CHECK(ready_for_change());
    OpWriter ops;
    auto state = state_;
    auto counters = box.counters;
    plan_removal(box, indexes, counters, state, ops);
    QUORATE_CHECK(submit(ops, state));
    install_removal(box, indexes, counters, by);
    return {};
}

Result<std::vector<Uid>> AccountImpl::expunge(
    View& the_view, std::optional<std::span<const std::uint32_t>> positions) {
    std::lock_guard lock(mutex_);
    QUORATE_TRY(auto* const view, own_view(the_view, /*for_writing=*/true));
    auto& box = view->box();
    std::vector<std::uint32_t> indexes;
    if (positions) {
        indexes = live_indexes(*view, *positions);
        std::sort(indexes.begin(), indexes.end());
        indexes.erase(std::unique(indexes.begin(), indexes.end()), indexes.end());
    } else if (box.counters.deleted > 0) {
        for (std::uint32_t position = 0; position < view->size(); ++position) {
            if ((view->at(position).flags & kDeleted) != 0 && !view->expunged(position)) {
                indexes.push_back(view->index_of(position));
            }
        }
    }
    const auto& messages = box.index->messages;
    std::erase_if(indexes, [&](auto at) { return (messages[at].flags & kDeleted) == 0; });
    std::vector<Uid> uids;
    for (const auto at : indexes) {
        uids.push_back(messages[at].uid);
    }
    if (!indexes.empty()) {
        QUORATE_CHECK(remove_at(box, indexes, view));
    }
    return uids;
}

Result<std::size_t> AccountImpl::remove_messages(MailboxId id, std::span<const Uid> uids) {
    std::lock_guard lock(mutex_);
    QUORATE_TRY(const auto box, find(id));
    QUORATE_CHECK(load_index(*box));
    std::vector<std::uint32_t> indexes;
    for (const auto uid : uids) {
        if (const auto at = box->index->find(uid); at && !box->index->is_dead(*at)) {
            indexes.push_back(*at);
        }
    }
    std::sort(indexes.begin(), indexes.end());
    indexes.erase(std::unique(indexes.begin(), indexes.end()), indexes.end());
    if (!indexes.empty()) {
        QUORATE_CHECK(remove_at(*box, indexes, nullptr));
    }
    return indexes.size();
}

}  // namespace quorate::mail::store
