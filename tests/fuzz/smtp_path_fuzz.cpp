// The arguments of MAIL, RCPT and EHLO: what is accepted keeps to its limits and is read again as
// the same mailbox; IPv6 addresses are those of inet_pton.

#include <arpa/inet.h>

#include <string>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "domain.hpp"
#include "fuzz/input.hpp"
#include "parameters.hpp"
#include "path.hpp"
#include "xtext.hpp"

namespace {

using namespace quorate;
using namespace quorate::mail::smtp;

void check_mailbox(const Mailbox& mailbox) {
    QUORATE_ASSERT(mailbox.local.size() <= kLocalPartMax && mailbox.domain.size() <= 255);
    QUORATE_ASSERT(is_valid_utf8(mailbox.local) && is_valid_utf8(mailbox.domain));
    for (const char c : mailbox.to_string()) {
        QUORATE_ASSERT(c < 0 || (c >= ' ' && c != '\x7f'));
    }
    if (mailbox.empty()) {
        return;
    }
    const auto again = parse_path("<" + mailbox.to_string() + ">");
    QUORATE_ASSERT(again && again->mailbox.local == mailbox.local &&
                   again->mailbox.domain == mailbox.domain);
    if (!mailbox.domain.empty()) {
        QUORATE_ASSERT(is_domain(mailbox.domain) || is_address_literal(mailbox.domain));
        const auto alone = parse_mailbox(mailbox.to_string());
        QUORATE_ASSERT(alone && alone->to_string() == mailbox.to_string());
    }
}

void check_hosts(std::string_view text) {
    if (text.find('.') == text.npos && text.find('\0') == text.npos) {
        in6_addr address{};
        const bool good = inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1;
        QUORATE_ASSERT(is_ipv6(text) == good);
    }
    QUORATE_ASSERT(!is_domain(text) || !is_address_literal(text));
}

void check_arguments(std::string_view text) {
    for (const bool flag : {false, true}) {
        if (const auto mail = parse_mail(text, flag)) {
            check_mailbox(mail->reverse_path);
            QUORATE_ASSERT(mail->reverse_path.empty() || !mail->reverse_path.domain.empty());
            QUORATE_ASSERT(mail->utf8 || mail->reverse_path.is_ascii());
            QUORATE_ASSERT(mail->envid.size() <= 100 && (flag || mail->auth.empty()));
        }
        if (const auto rcpt = parse_rcpt(text, flag)) {
            check_mailbox(rcpt->forward_path);
            QUORATE_ASSERT(!rcpt->forward_path.domain.empty() ||
                           rcpt->forward_path.local == "postmaster");
            QUORATE_ASSERT(flag || rcpt->forward_path.is_ascii());
            QUORATE_ASSERT(rcpt->orcpt.size() <= 500);
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::as_text(data, size);
    const auto path = parse_path(text);
    if (path) {
        QUORATE_ASSERT(path->consumed <= text.size() && path->consumed <= kPathMax &&
                       text[path->consumed - 1] == '>');
        check_mailbox(path->mailbox);
    }
    check_hosts(text);
    check_arguments(text);
    check_arguments("FROM:" + std::string(text));
    check_arguments("TO:" + std::string(text));
    if (const auto decoded = decode_xtext(text)) {
        QUORATE_ASSERT(decoded->size() <= text.size());
    }
    return 0;
}
