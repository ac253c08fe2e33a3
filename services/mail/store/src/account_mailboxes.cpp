#include <algorithm>

#include "account_impl.hpp"
#include "mail/store/errc.hpp"
#include "names.hpp"

namespace quorate::mail::store {
namespace {

constexpr std::size_t kMailboxesMax = 100'000;

tl::unexpected<Error> no_such_mailbox(std::string_view name) {
    return fail(errc::no_such_mailbox, std::string(name));
}

}  // namespace

Result<std::shared_ptr<Mailbox>> AccountImpl::find(MailboxId id) {
    const auto box = mailboxes_.find(id);
    if (box == mailboxes_.end()) {
        return no_such_mailbox(std::to_string(id.value()));
    }
    return box->second;
}

Result<std::shared_ptr<Mailbox>> AccountImpl::find(std::string_view name) {
    QUORATE_TRY(const auto canonical, canonical_name(name));
    const auto id = names_.find(canonical);
    if (id == names_.end()) {
        return no_such_mailbox(canonical);
    }
    return find(id->second);
}

Result<MailboxInfo> AccountImpl::info(Mailbox& box) {
    MailboxInfo info;
    info.id = box.id;
    info.name = box.name;
    info.uid_validity = box.uid_validity;
    info.uid_next = box.counters.uid_next;
    info.highest_modseq = box.counters.highest_modseq;
    info.messages = box.counters.messages;
    info.unseen = box.counters.unseen;
    QUORATE_TRY(info.recent, count_recent(box));
    info.size = box.counters.size;
    info.object_id = box.object_id;
    info.special_use = box.special_use;
    info.subscribed = subscriptions_.contains(box.name);
    info.keywords = box.keywords;
    return info;
}

Result<std::vector<MailboxInfo>> AccountImpl::mailboxes() {
    std::lock_guard lock(mutex_);
    std::vector<MailboxInfo> all;
    all.reserve(mailboxes_.size());
    for (const auto& [name, id] : names_) {
        QUORATE_TRY(auto one, info(*mailboxes_.at(id)));
        all.push_back(std::move(one));
    }
    std::stable_partition(all.begin(), all.end(),
                          [](const MailboxInfo& one) { return one.name == "INBOX"; });
    return all;
}

Result<MailboxInfo> AccountImpl::mailbox(std::string_view name) {
    std::lock_guard lock(mutex_);
    QUORATE_TRY(const auto box, find(name));
    return info(*box);
}

Result<MailboxInfo> AccountImpl::mailbox(MailboxId id) {
    std::lock_guard lock(mutex_);
    QUORATE_TRY(const auto box, find(id));
    return info(*box);
}

Status AccountImpl::check_room(std::size_t more) const {
    if (mailboxes_.size() + more > kMailboxesMax) {
        return fail(errc::too_many_mailboxes, std::to_string(mailboxes_.size()));
    }
    return {};
}

// UIDVALIDITY ascends over all mailboxes of the account, whatever the clock does: no name gets one
// twice.
std::shared_ptr<Mailbox> AccountImpl::plan_mailbox(std::string name, SpecialUse use,
                                                   AccountState& state, OpWriter& ops) {
    const auto now = context_.now();
    auto box = std::make_shared<Mailbox>();
    box->id = MailboxId(state.next_mailbox++);
    box->name = std::move(name);
    state.uid_validity = std::max(state.uid_validity + 1, static_cast<std::uint32_t>(now));
    box->uid_validity = state.uid_validity;
    box->object_id = context_.random_id();
    box->special_use = use;
    box->created = now;
    ops.put(OpMailbox{box->id, box->name, box->uid_validity, box->object_id, use, now});
    return box;
}

std::vector<std::shared_ptr<Mailbox>> AccountImpl::plan_parents(std::string_view name,
                                                                AccountState& state,
                                                                OpWriter& ops) {
    std::vector<std::shared_ptr<Mailbox>> created;
    for (auto& parent : parents_of(name)) {
        if (!names_.contains(parent)) {
            created.push_back(plan_mailbox(std::move(parent), SpecialUse::kNone, state, ops));
        }
    }
    return created;
}

void AccountImpl::install(std::vector<std::shared_ptr<Mailbox>> created) {
    for (auto& box : created) {
        names_[box->name] = box->id;
        mailboxes_[box->id] = std::move(box);
    }
}

Result<MailboxInfo> AccountImpl::create(std::string_view name, SpecialUse special_use) {
    std::lock_guard lock(mutex_);
    QUORATE_TRY(auto canonical, canonical_name(name));
    if (names_.contains(canonical)) {
        return fail(errc::mailbox_exists, canonical);
    }
    QUORATE_CHECK(check_room(kNameLevelsMax));
    QUORATE_CHECK(ready_for_change());
    OpWriter ops;
    auto state = state_;
    auto created = plan_parents(canonical, state, ops);
    created.push_back(plan_mailbox(std::move(canonical), special_use, state, ops));
    auto box = created.back();
    QUORATE_CHECK(submit(ops, state));
    install(std::move(created));
    return info(*box);
}

Status AccountImpl::remove(std::string_view name) {
    std::lock_guard lock(mutex_);
    QUORATE_TRY(const auto box, find(name));
    if (box->name == "INBOX") {
        return fail(errc::inbox_is_fixed, "INBOX");
    }
    QUORATE_CHECK(ready_for_change());
    OpWriter ops;
    auto state = state_;
    state.bytes -= box->counters.size;
    state.messages -= box->counters.messages;
    ops.put(OpMailboxRemoved{box->id});
    QUORATE_CHECK(submit(ops, state));
    names_.erase(box->name);
    mailboxes_.erase(box->id);
    box->gone = true;
    may_have_dead_ = true;
    if (!box->views.empty()) {
        gone_.push_back(box);
        notify(*box, nullptr);
    } else if (box->index) {
        context_.index_bytes -= box->index->accounted;
        box->index.reset();
    }
    return {};
}

Result<std::vector<std::pair<std::shared_ptr<Mailbox>, std::string>>> AccountImpl::plan_renames(
    std::string_view from, std::string_view to) const {
    std::vector<std::pair<std::shared_ptr<Mailbox>, std::string>> renames;
    for (const auto& [name, id] : names_) {
        if (name != from && !is_below(name, from)) {
            continue;
        }
        QUORATE_TRY(auto target,
                    canonical_name(std::string(to) + std::string(name.substr(from.size()))));
        if (names_.contains(target)) {
            return fail(errc::mailbox_exists, target);
        }
        renames.emplace_back(mailboxes_.at(id), std::move(target));
    }
    if (renames.empty()) {
        return no_such_mailbox(from);
    }
    return renames;
}

Status AccountImpl::rename(std::string_view from_name, std::string_view to_name) {
    std::lock_guard lock(mutex_);
    QUORATE_TRY(const auto from, canonical_name(from_name));
    QUORATE_TRY(const auto to, canonical_name(to_name));
    if (names_.contains(to)) {
        return fail(errc::mailbox_exists, to);
    }
    QUORATE_CHECK(check_room(kNameLevelsMax));
    QUORATE_CHECK(ready_for_change());
    if (from == "INBOX") {
        return rename_inbox(to);
    }
    if (is_below(to, from)) {
        return fail(errc::mailbox_name_invalid, to + " lies below " + from);
    }
    QUORATE_TRY(const auto renames, plan_renames(from, to));
    OpWriter ops;
    auto state = state_;
    auto created = plan_parents(to, state, ops);
    for (const auto& [box, name] : renames) {
        ops.put(OpMailbox{box->id, name, box->uid_validity, box->object_id, box->special_use,
                          box->created});
    }
    QUORATE_CHECK(submit(ops, state));
    install(std::move(created));
    for (const auto& [box, name] : renames) {
        names_.erase(box->name);
    }
    for (const auto& [box, name] : renames) {
        box->name = name;
        names_[name] = box->id;
    }
    return {};
}

// RFC 3501 6.3.5: the messages move to a new mailbox, INBOX stays and is empty.
Status AccountImpl::rename_inbox(const std::string& to) {
    auto& inbox = *mailboxes_.at(names_.at("INBOX"));
    QUORATE_CHECK(load_index(inbox));
    OpWriter ops;
    auto state = state_;
    auto created = plan_parents(to, state, ops);
    created.push_back(plan_mailbox(to, SpecialUse::kNone, state, ops));
    auto target = created.back();
    std::vector<std::uint32_t> indexes;
    for (std::uint32_t at = 0; at < inbox.index->messages.size(); ++at) {
        if (!inbox.index->is_dead(at)) {
            indexes.push_back(at);
        }
    }
    if (indexes.empty()) {
        QUORATE_CHECK(submit(ops, state));
        install(std::move(created));
        return {};
    }
    QUORATE_TRY(auto moved, plan_transfer(inbox, indexes, *target, state, ops));
    auto counters = inbox.counters;
    plan_removal(inbox, indexes, counters, state, ops);
    QUORATE_CHECK(submit(ops, state));
    install(std::move(created));
    install_transfer(std::move(moved), *target);
    install_removal(inbox, indexes, counters, nullptr);
    return {};
}

Status AccountImpl::subscribe(std::string_view name, bool subscribed) {
    std::lock_guard lock(mutex_);
    QUORATE_TRY(const auto canonical, canonical_name(name));
    if (subscriptions_.contains(canonical) == subscribed) {
        return {};
    }
    if (subscribed && subscriptions_.size() >= kMailboxesMax) {
        return fail(errc::too_many_mailboxes, "subscriptions");
    }
    QUORATE_CHECK(ready_for_change());
    OpWriter ops;
    ops.put(OpSubscription{canonical, subscribed});
    QUORATE_CHECK(submit(ops, state_));
    if (subscribed) {
        subscriptions_.insert(canonical);
    } else {
        subscriptions_.erase(canonical);
    }
    return {};
}

Result<std::vector<std::string>> AccountImpl::subscriptions() {
    std::lock_guard lock(mutex_);
    return std::vector<std::string>(subscriptions_.begin(), subscriptions_.end());
}

}  // namespace quorate::mail::store
