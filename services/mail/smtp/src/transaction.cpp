#include "transaction.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.hpp"

namespace quorate::mail::smtp {
namespace {

// Recipients that are named in one line of the log.
constexpr std::size_t kNamed = 20;

std::string envelope(const Transaction& transaction) {
    auto text = fmt::format("from=<{}>", printable(transaction.mail.reverse_path.to_string()));
    const auto count = transaction.recipients.size();
    for (std::size_t i = 0; i < std::min(count, kNamed); ++i) {
        const auto& recipient = transaction.recipients[i];
        text += fmt::format(" to=<{}>", printable(recipient.address));
        if (!recipient.notify.empty()) {
            text += " notify=" + recipient.notify;
        }
        if (!recipient.orcpt.empty()) {
            text += " orcpt=" + printable(recipient.orcpt);
        }
    }
    text += fmt::format(" recipients={}", count);
    return text;
}

}  // namespace

std::string describe_accepted(const Transaction& transaction, const std::string& transport,
                              const std::string& queue_id) {
    auto text = envelope(transaction);
    text += fmt::format(" size={} with={} stored_as={}", transaction.intake->received(), transport,
                        printable(queue_id));
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

std::string describe_refused(const Transaction& transaction, const Reply& reply) {
    return fmt::format("{} reply={} {}", envelope(transaction), reply.code, reply.enhanced);
}

}  // namespace quorate::mail::smtp
