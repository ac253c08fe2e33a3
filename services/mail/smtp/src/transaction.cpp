#include "transaction.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.hpp"

namespace quorate::mail::smtp {
namespace {

// Recipients that are named in one line of the log.
constexpr std::size_t kNamed = 20;

std::string envelope(const Transaction& transaction,
                     std::span<const Transaction::Recipient> recipients) {
    auto text = fmt::format("from=<{}>", printable(transaction.mail.reverse_path.to_string()));
    for (const auto& recipient : recipients.first(std::min(recipients.size(), kNamed))) {
        text += fmt::format(" to=<{}>", printable(recipient.address));
        if (!recipient.notify.empty()) {
            text += " notify=" + recipient.notify;
        }
        if (!recipient.orcpt.empty()) {
            text += " orcpt=" + printable(recipient.orcpt);
        }
    }
    text += fmt::format(" recipients={}", recipients.size());
    return text;
}

}  // namespace

std::string describe_accepted(const Transaction& transaction, const Acceptance& how) {
    auto text = envelope(transaction, transaction.recipients);
    text += fmt::format(" size={} with={} stored_as={}", transaction.intake->received(),
                        how.transport, printable(how.queue_id));
    if (!how.user.empty()) {
        text += " user=" + printable(how.user);
    }
    if (!transaction.mail.ret.empty()) {
        text += " ret=" + transaction.mail.ret;
    }
    if (!transaction.mail.envid.empty()) {
        text += " envid=" + printable(transaction.mail.envid);
    }
    if (!transaction.mail.auth.empty()) {
        text += " auth=" + printable(transaction.mail.auth);
    }
    return text;
}

std::string describe_refused(const Transaction& transaction,
                             std::span<const Transaction::Recipient> recipients,
                             const Reply& reply) {
    return fmt::format("{} reply={} {}", envelope(transaction, recipients), reply.code,
                       reply.enhanced);
}

}  // namespace quorate::mail::smtp
