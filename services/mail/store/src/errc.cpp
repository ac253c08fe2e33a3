#include "mail/store/errc.hpp"

namespace quorate::mail::store {
namespace {

class StoreCategory final : public std::error_category {
public:
    const char* name() const noexcept override { return "mail_store"; }
    std::string message(int value) const override {
        switch (static_cast<errc>(value)) {
            case errc::no_such_mailbox:
                return "no such mailbox";
            case errc::mailbox_exists:
                return "mailbox exists";
            case errc::mailbox_name_invalid:
                return "mailbox name not allowed";
            case errc::mailbox_has_children:
                return "mailbox has children";
            case errc::inbox_is_fixed:
                return "INBOX cannot be deleted";
            case errc::too_many_mailboxes:
                return "too many mailboxes";
            case errc::too_many_keywords:
                return "too many keywords";
            case errc::keyword_invalid:
                return "keyword not allowed";
            case errc::over_quota:
                return "over quota";
            case errc::volume_full:
                return "volume full";
            case errc::damaged:
                return "damaged";
            case errc::no_such_account:
                return "no such account";
            case errc::read_only:
                return "read-only";
            case errc::account_busy:
                return "too many changes wait for the journal";
            case errc::journal_failed:
                return "journal failed";
            case errc::unsupported_version:
                return "unsupported on-disk version";
            case errc::too_large:
                return "too large";
        }
        return "unknown";
    }
};

}  // namespace

const std::error_category& store_category() {
    static const StoreCategory category;
    return category;
}

std::error_code make_error_code(errc code) { return {static_cast<int>(code), store_category()}; }

}  // namespace quorate::mail::store
