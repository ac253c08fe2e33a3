#include "job.hpp"

namespace quorate::mail::imap {

Result<Reply> refused_destination(const Error& error) {
    if (is_missing(error)) {
        return Reply(refused("TRYCREATE", "There is no such mailbox"));
    }
    return tl::unexpected(error);
}

}  // namespace quorate::mail::imap
