#include "mailbox_commands.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "mailbox_name.hpp"
#include "render.hpp"
#include "special_use.hpp"

namespace quorate::mail::imap {
namespace {

constexpr char kSeparator = '/';

// RFC 3501 6.3.3: a trailing separator only declares that names below are to come.
std::string_view without_trailing_separator(std::string_view name) {
    if (name.ends_with(kSeparator)) {
        name.remove_suffix(1);
    }
    return name;
}

bool is_inbox(std::string_view name) { return iequals(name, "INBOX"); }

bool is_below(std::string_view name, std::string_view parent) {
    return name.size() > parent.size() && name.starts_with(parent) &&
           name[parent.size()] == kSeparator;
}

// A name without mailbox that has mailboxes below it: LIST shows it with \Noselect.
Result<bool> is_only_parent(store::Account& account, std::string_view name) {
    QUORATE_TRY(const auto mailboxes, account.mailboxes());
    return std::any_of(mailboxes.begin(), mailboxes.end(),
                       [name](const auto& info) { return is_below(info.name, name); });
}

Result<bool> is_taken(store::Account& account, store::SpecialUse use) {
    if (use == store::SpecialUse::kNone) {
        return false;
    }
    QUORATE_TRY(const auto mailboxes, account.mailboxes());
    return std::any_of(mailboxes.begin(), mailboxes.end(),
                       [use](const auto& info) { return info.special_use == use; });
}

void append_code(std::string& out, std::string_view code, std::uint64_t value,
                 std::string_view text) {
    out.append("* OK [").append(code).push_back(' ');
    append_number(out, value);
    out.append("] ").append(text).append("\r\n");
}

void append_counts(std::string& out, const store::View& view, const store::MailboxInfo& info) {
    out.append("* ");
    append_number(out, view.size());
    out.append(" EXISTS\r\n* ");
    append_number(out, info.recent);
    out.append(" RECENT\r\n");
    if (const auto unseen = info.unseen > 0 ? view.first_unseen() : std::nullopt) {
        append_code(out, "UNSEEN", std::uint64_t{*unseen} + 1, "First unseen message");
    }
    append_code(out, "UIDVALIDITY", info.uid_validity, "UIDs valid");
    append_code(out, "UIDNEXT", info.uid_next, "Predicted next UID");
}

}  // namespace

// RFC 3501 6.3.1: the mailbox that was selected is left in any case.
Result<Reply> run_select(Turn& turn, const Select& command) {
    turn.selection.reset();
    // Before the view is opened, which takes what is recent.
    QUORATE_TRY(const auto info, turn.account().mailbox(command.mailbox));
    QUORATE_TRY(auto view, turn.account().open(info.id, command.read_only, turn.on_change));
    turn.selection = std::make_unique<Selection>(std::move(view));
    turn.selection->append_keywords(turn.out);
    append_counts(turn.out, turn.selection->view(), info);
    auto completion = completed(Updates::kNone);
    completion.code = command.read_only ? "READ-ONLY" : "READ-WRITE";
    return Reply(std::move(completion));
}

Result<Reply> run_unselect(Turn& turn, const Unselect& command) {
    auto& selection = turn.selection;
    if (command.expunge && selection && !selection->view().gone() &&
        !selection->view().read_only()) {
        QUORATE_TRY(const auto uids, turn.account().expunge(selection->view(), std::nullopt));
        static_cast<void>(uids);
    }
    selection.reset();
    return Reply(completed(Updates::kNone));
}

// RFC 6154 3: a use that is asked for and cannot be had fails the command; one that only the name
// suggests is given when no other mailbox has it.
Result<Reply> run_create(Turn& turn, const Create& command) {
    const auto name = without_trailing_separator(command.mailbox);
    auto use = command.use.value_or(usual_use(name));
    QUORATE_TRY(const bool taken, is_taken(turn.account(), use));
    if (taken && command.use) {
        return Reply(refused("USEATTR", "Another mailbox has this use"));
    }
    if (taken) {
        use = store::SpecialUse::kNone;
    }
    QUORATE_TRY(const auto info, turn.account().create(name, use));
    static_cast<void>(info);
    return Reply(completed(Updates::kAll));
}

// RFC 3501 6.3.4. Who deletes the mailbox that he has selected has none afterwards.
Result<Reply> run_delete(Turn& turn, const Delete& command) {
    auto& account = turn.account();
    auto info = account.mailbox(command.mailbox);
    if (!info) {
        QUORATE_TRY(const bool parent, is_only_parent(account, command.mailbox));
        if (parent) {
            return Reply(refused("CANNOT", "There are mailboxes below this name"));
        }
        return tl::unexpected(std::move(info).error());
    }
    QUORATE_CHECK(account.remove(command.mailbox));
    if (turn.selection && turn.selection->view().mailbox() == info->id) {
        turn.selection.reset();
    }
    return Reply(completed(Updates::kAll));
}

Result<Reply> run_rename(Turn& turn, const Rename& command) {
    const auto to = without_trailing_separator(command.to);
    if (is_inbox(to)) {
        return Reply(refused("ALREADYEXISTS", "INBOX is always there"));
    }
    if (is_below(to, command.from) && !is_inbox(command.from)) {
        return Reply(refused("CANNOT", "A mailbox cannot be moved below itself"));
    }
    QUORATE_CHECK(turn.account().rename(command.from, to));
    return Reply(completed(Updates::kAll));
}

// RFC 3501 6.3.6: "A server MAY validate the mailbox argument to SUBSCRIBE to verify that it
// exists." So the list stays as short as the mailboxes that ever were. What was subscribed stays so
// when the mailbox goes.
Result<Reply> run_subscribe(Turn& turn, const Subscribe& command) {
    auto& account = turn.account();
    if (command.subscribed) {
        auto info = account.mailbox(command.mailbox);
        if (!info) {
            QUORATE_TRY(const bool parent, is_only_parent(account, command.mailbox));
            if (!parent) {
                return tl::unexpected(std::move(info).error());
            }
        }
    }
    QUORATE_CHECK(account.subscribe(command.mailbox, command.subscribed));
    return Reply(completed(Updates::kAll));
}

Result<Reply> run_status(Turn& turn, const StatusCommand& command) {
    QUORATE_TRY(const auto info, turn.account().mailbox(command.mailbox));
    const std::pair<StatusCommand::Item, std::pair<std::string_view, std::uint64_t>> values[] = {
        {StatusCommand::kMessages, {"MESSAGES", info.messages}},
        {StatusCommand::kRecent, {"RECENT", info.recent}},
        {StatusCommand::kUidNext, {"UIDNEXT", info.uid_next}},
        {StatusCommand::kUidValidity, {"UIDVALIDITY", info.uid_validity}},
        {StatusCommand::kUnseen, {"UNSEEN", info.unseen}},
        {StatusCommand::kSize, {"SIZE", info.size}},
        {StatusCommand::kAppendLimit, {"APPENDLIMIT", turn.options.append_bytes}},
    };
    auto& out = turn.out;
    out.append("* STATUS ");
    append_astring(out, encode_mailbox_name(info.name));
    char before = '(';
    out.push_back(' ');
    for (const auto& [item, value] : values) {
        if ((command.items & item) != 0) {
            out.push_back(before);
            out.append(value.first).push_back(' ');
            append_number(out, value.second);
            before = ' ';
        }
    }
    out.append(before == '(' ? "()\r\n" : ")\r\n");
    return Reply(completed(Updates::kAll));
}

}  // namespace quorate::mail::imap
