#include "delivery.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/core.h>

#include "io/time.hpp"
#include "recipients.hpp"

namespace quorate::mail {
namespace {

using Resolved = smtp::Resolved;

store::ZonedTime utc_now() {
    const auto now = io::wall_now().time_since_epoch();
    return {std::chrono::duration_cast<std::chrono::seconds>(now).count(), 0};
}

// A message of `size` octets more.
Status check_quota(const store::Account& account, std::uint64_t size) {
    const auto limits = account.quota_limits();
    const auto use = account.quota_use();
    if ((limits.bytes != 0 && use.bytes + size > limits.bytes) ||
        (limits.messages != 0 && use.messages + 1 > limits.messages)) {
        return fail(store::errc::over_quota, "");
    }
    return {};
}

Result<store::MailboxId> choose_mailbox(store::Account& account, const std::string& detail) {
    if (!detail.empty()) {
        if (const auto named = account.mailbox(detail)) {
            return named->id;
        }
    }
    QUORATE_TRY(const auto inbox, account.mailbox("INBOX"));
    return inbox.id;
}

}  // namespace

std::shared_ptr<AccountSlot> Delivery::slot(const Target& target) const {
    return server_.desk.slot(store::AccountId(target.account),
                             {target.quota_bytes, target.quota_messages});
}

boost::asio::awaitable<Delivery::Outcome> Delivery::check_room(const Target& target,
                                                               std::uint64_t size) {
    if (target.quota_bytes == 0 && target.quota_messages == 0) {
        co_return Outcome::kOk;
    }
    auto checked = co_await server_.desk.run(
        slot(target), [&size](store::Account& account) { return check_quota(account, size); });
    co_return checked ? Outcome::kOk : outcome_of(checked.error(), target);
}

boost::asio::awaitable<Resolved> Delivery::resolve(smtp::Resolve question) {
    Resolved answer;
    const auto meaning = find_recipients(server_.directory, server_.config, question.address);
    if (const auto* none = std::get_if<auth::NoRecipient>(&meaning)) {
        switch (*none) {
            case auth::NoRecipient::kNotLocal:
                answer.kind = Resolved::Kind::kNotLocal;
                break;
            case auth::NoRecipient::kUnknownUser:
                answer.kind = Resolved::Kind::kUnknownUser;
                break;
            case auth::NoRecipient::kDisabled:
                answer.kind = Resolved::Kind::kDisabled;
                break;
            case auth::NoRecipient::kAliasLoop:
                shell_.log.warn("alias_loop", "address", question.address);
                answer.kind = Resolved::Kind::kTryLater;
                break;
        }
        co_return answer;
    }
    for (const auto& target : std::get<auth::LocalRecipients>(meaning).targets) {
        auto room = co_await check_room(target, question.declared_size);
        if (room == Outcome::kOverQuota) {
            answer.kind = Resolved::Kind::kOverQuota;
        } else if (room != Outcome::kOk && answer.kind == Resolved::Kind::kOk) {
            answer.kind = Resolved::Kind::kTryLater;
        }
    }
    co_return answer;
}

std::vector<Delivery::Group> Delivery::group(const smtp::Deliver& question) const {
    std::vector<Group> groups;
    for (const auto& recipient : question.recipients) {
        auto meaning = find_recipients(server_.directory, server_.config, recipient);
        Group one;
        if (auto* local = std::get_if<auth::LocalRecipients>(&meaning)) {
            one.targets = std::move(local->targets);
        } else {
            const bool loop = std::get<auth::NoRecipient>(meaning) == auth::NoRecipient::kAliasLoop;
            one.outcome = loop ? Outcome::kUnavailable : Outcome::kUnknownUser;
        }
        if (!question.all_or_none || groups.empty()) {
            groups.push_back(std::move(one));
            continue;
        }
        auto& all = groups.front();
        all.targets.insert(all.targets.end(), one.targets.begin(), one.targets.end());
        if (all.outcome == Outcome::kOk) {
            all.outcome = one.outcome;
        }
    }
    return groups;
}

boost::asio::awaitable<smtp::Delivered> Delivery::deliver(smtp::Deliver question,
                                                          BodyCollector& body) {
    const auto started = io::mono_now();
    auto groups = group(question);
    Work work{body, question.size, {}, {}, {}};
    for (const auto& one : groups) {
        for (const auto& target : one.targets) {
            work.owners.emplace_back(target.account);
        }
    }
    std::sort(work.owners.begin(), work.owners.end());
    work.owners.erase(std::unique(work.owners.begin(), work.owners.end()), work.owners.end());
    for (auto& one : groups) {
        if (one.outcome == Outcome::kOk) {
            co_await deliver_group(one, work);
        }
    }
    auto durable = co_await server_.gate.wait(work.newest);
    co_await body.clear();
    smtp::Delivered answer;
    answer.queue_id = fmt::format("{}.{}", shell_.name, ++messages_);
    for (std::size_t i = 0; i < question.recipients.size(); ++i) {
        const auto outcome = groups[question.all_or_none ? 0 : i].outcome;
        answer.outcomes.push_back(durable ? outcome : Outcome::kUnavailable);
        if (answer.outcomes.back() != Outcome::kOk) {
            server_.metrics.delivery_failures.add();
        }
    }
    if (durable) {
        server_.metrics.delivered.add(work.copies.size());
        server_.metrics.delivered_bytes.add(work.copies.size() * work.size);
    }
    const std::chrono::duration<double> took = io::mono_now() - started;
    server_.metrics.delivery_seconds.observe(took.count());
    shell_.log.debug("delivered", "id", answer.queue_id, "from", question.sender, "recipients",
                     question.recipients.size(), "copies", work.copies.size(), "bytes", work.size,
                     "durable", durable.has_value());
    co_return answer;
}

boost::asio::awaitable<void> Delivery::deliver_group(Group& group, Work& work) {
    if (group.targets.size() > 1) {
        for (const auto& target : group.targets) {
            auto room = co_await check_room(target, work.size);
            if (room != Outcome::kOk) {
                group.outcome = room;
                co_return;
            }
        }
    }
    std::vector<std::uint64_t> fresh;
    for (const auto& target : group.targets) {
        if (work.copies.contains(target.account)) {
            continue;
        }
        auto appended = co_await append(target, work);
        if (appended != Outcome::kOk) {
            group.outcome = appended;
            co_await take_back(fresh, work);
            co_return;
        }
        fresh.push_back(target.account);
    }
}

boost::asio::awaitable<Delivery::Outcome> Delivery::append(const Target& target, Work& work) {
    const auto holder = slot(target);
    const auto now = utc_now();
    const auto detail = server_.config.detail_mailbox ? target.detail : std::string();
    auto copied = co_await server_.desk.run(holder, [&](store::Account& account) -> Result<Copy> {
        QUORATE_TRY(const auto stored, work.body.store(work.owners));
        QUORATE_TRY(const auto mailbox, choose_mailbox(account, detail));
        store::NewMessage message;
        message.body = stored.body;
        message.summary = stored.summary;
        message.internal_date = now;
        QUORATE_TRY(const auto appended, account.append(mailbox, message));
        return Copy{holder, mailbox, appended.uid, account.last_lsn()};
    });
    if (!copied) {
        co_return outcome_of(copied.error(), target);
    }
    work.newest = std::max(work.newest, copied->lsn);
    work.copies.emplace(target.account, std::move(*copied));
    co_return Outcome::kOk;
}

boost::asio::awaitable<void> Delivery::take_back(const std::vector<std::uint64_t>& accounts,
                                                 Work& work) {
    for (const auto account : accounts) {
        const auto copy = std::move(work.copies.at(account));
        work.copies.erase(account);
        auto removed = co_await server_.desk.run(
            copy.slot, [&copy](store::Account& open) -> Result<store::Lsn> {
                QUORATE_CHECK(open.remove_messages(copy.mailbox, {&copy.uid, 1}));
                return open.last_lsn();
            });
        if (removed) {
            work.newest = std::max(work.newest, *removed);
        } else {
            shell_.log.warn("copy_not_taken_back", "account_id", account, "uid", copy.uid, "why",
                            removed.error().to_string());
        }
    }
}

Delivery::Outcome Delivery::outcome_of(const Error& error, const Target& target) const {
    if (error.code == store::errc::over_quota) {
        shell_.log.info("over_quota", "recipient", target.address);
        return Outcome::kOverQuota;
    }
    if (error.code == store::errc::no_such_account) {
        return Outcome::kUnknownUser;
    }
    if (error.code == store::errc::volume_full) {
        shell_.log.error("volume_full", "recipient", target.address, "why", error.to_string());
        return Outcome::kVolumeFull;
    }
    shell_.log.error("delivery_failed", "recipient", target.address, "why", error.to_string());
    return Outcome::kUnavailable;
}

}  // namespace quorate::mail
