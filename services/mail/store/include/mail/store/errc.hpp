#pragma once

#include <system_error>

namespace quorate::mail::store {

enum class errc {
    no_such_mailbox = 1,
    mailbox_exists,
    mailbox_name_invalid,  // empty, too long, not UTF-8, control characters, empty level
    mailbox_has_children,  // cannot happen to a leaf; DELETE of a parent keeps the children (RFC
                           // 3501 6.3.4)
    inbox_is_fixed,        // INBOX cannot be deleted
    too_many_mailboxes,
    too_many_keywords,
    keyword_invalid,
    over_quota,
    volume_full,  // try again later: SMTP 452, IMAP NO [OVERQUOTA]/[SERVERBUG] as fits
    damaged,  // checksum mismatch or a database that contradicts itself; `detail` names file and
              // offset
    no_such_account,
    read_only,       // the view was opened with EXAMINE
    account_busy,    // more changes wait for the journal than are allowed: wait for last_lsn(),
                     // settle, repeat
    journal_failed,  // an earlier flush failed: nothing more is acknowledged until restart
    unsupported_version,  // on-disk major version unknown
    too_large,
};

const std::error_category& store_category();
std::error_code make_error_code(errc code);

}  // namespace quorate::mail::store

template <>
struct std::is_error_code_enum<quorate::mail::store::errc> : std::true_type {};
