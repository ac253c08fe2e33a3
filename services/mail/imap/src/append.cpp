#include "append.hpp"

#include "base/assert.hpp"
#include "mail/store/errc.hpp"
#include "render.hpp"

namespace quorate::mail::imap {
namespace {

// What the store will say once it has the octets.
bool is_over_quota(const store::Account& account, std::uint64_t size) {
    const auto limits = account.quota_limits();
    const auto use = account.quota_use();
    return (limits.bytes > 0 && (size > limits.bytes || use.bytes > limits.bytes - size)) ||
           (limits.messages > 0 && use.messages >= limits.messages);
}

std::optional<Completion> check_size(const Turn& turn, std::uint64_t size) {
    if (size > turn.options.append_bytes) {
        return refused("TOOBIG", "The message is too large");
    }
    if (is_over_quota(turn.account(), size)) {
        return refused("OVERQUOTA", "The account is over its quota");
    }
    return std::nullopt;
}

store::ZonedTime internal_date(const std::optional<message::DateTime>& given, WallTime now) {
    if (given) {
        return {given->seconds, given->zone_minutes};
    }
    return {std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count(), 0};
}

}  // namespace

Result<Reply> run_append_check(Turn& turn, const AppendCheck& command) {
    const auto mailbox = turn.account().mailbox(command.mailbox);
    if (!mailbox) {
        return refused_destination(mailbox.error());
    }
    auto refusal = check_size(turn, command.size);
    return Reply(refusal ? std::move(*refusal) : completed(Updates::kNone));
}

Result<Reply> run_append(Turn& turn, const Append& command) {
    QUORATE_ASSERT(turn.context.body != nullptr);
    auto& account = turn.account();
    const auto mailbox = account.mailbox(command.mailbox);
    if (!mailbox) {
        return refused_destination(mailbox.error());
    }
    if (auto refusal = check_size(turn, turn.context.body->size())) {
        return Reply(std::move(*refusal));
    }
    QUORATE_TRY(const auto stored, turn.context.body->put(account.id()));
    store::NewMessage message;
    message.body = stored.body;
    message.summary = stored.summary;
    message.system_flags = command.flags.system;
    message.keywords = command.flags.keywords;
    message.internal_date = internal_date(command.date, turn.context.now);
    QUORATE_TRY(const auto appended, account.append(mailbox->id, message));
    auto completion = completed(Updates::kAll);
    completion.code = "APPENDUID ";
    append_number(completion.code, appended.uid_validity);
    completion.code.push_back(' ');
    append_number(completion.code, appended.uid);
    return Reply(std::move(completion));
}

}  // namespace quorate::mail::imap
