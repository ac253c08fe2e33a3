#include "completion.hpp"

#include <array>

#include "mail/store/errc.hpp"

namespace quorate::mail::imap {
namespace {

using store::errc;

struct Answer {
    errc error;
    std::string_view code;
    std::string_view text;
};

// Texts are for the user: what happened, never where in our files.
constexpr std::array kAnswers{
    Answer{errc::no_such_mailbox, "NONEXISTENT", "There is no such mailbox"},
    Answer{errc::mailbox_exists, "ALREADYEXISTS", "There is a mailbox with this name"},
    Answer{errc::mailbox_name_invalid, "CANNOT", "This cannot be the name of a mailbox"},
    Answer{errc::mailbox_has_children, "CANNOT", "The mailbox has others below it"},
    Answer{errc::inbox_is_fixed, "CANNOT", "INBOX cannot be deleted"},
    Answer{errc::too_many_mailboxes, "LIMIT", "Too many mailboxes"},
    Answer{errc::too_many_keywords, "LIMIT", "Too many different keywords in this mailbox"},
    Answer{errc::keyword_invalid, "CANNOT", "This cannot be a keyword"},
    Answer{errc::over_quota, "OVERQUOTA", "The account is over its quota"},
    Answer{errc::volume_full, "UNAVAILABLE", "No space to store mail, try again later"},
    Answer{errc::damaged, "CORRUPTION", "Some of the mail is damaged"},
    Answer{errc::no_such_account, "UNAVAILABLE", "The account is not available"},
    Answer{errc::read_only, "READ-ONLY", "The mailbox is selected read-only"},
    Answer{errc::account_busy, "INUSE", "The account is busy, try again later"},
    Answer{errc::journal_failed, "UNAVAILABLE", "Mail cannot be stored, try again later"},
    Answer{errc::unsupported_version, "SERVERBUG", "The mail was written by a newer server"},
    Answer{errc::too_large, "TOOBIG", "The message is too large"},
};

}  // namespace

Completion completed(Updates updates) {
    Completion completion;
    completion.updates = updates;
    return completion;
}

Completion refused(std::string_view code, std::string_view text) {
    Completion completion;
    completion.condition = Completion::Condition::kNo;
    completion.code = code;
    completion.text = text;
    return completion;
}

Completion refused(const Error& error) {
    for (const auto& answer : kAnswers) {
        if (error.code == make_error_code(answer.error)) {
            return refused(answer.code, answer.text);
        }
    }
    return refused("SERVERBUG", "Internal error");
}

Completion bad(std::string_view text) {
    auto completion = refused("", text);
    completion.condition = Completion::Condition::kBad;
    return completion;
}

Completion broken(std::string_view text) {
    Completion completion;
    completion.bye = text;
    return completion;
}

bool is_busy(const Error& error) { return error.code == make_error_code(errc::account_busy); }

bool is_missing(const Error& error) { return error.code == make_error_code(errc::no_such_mailbox); }

}  // namespace quorate::mail::imap
