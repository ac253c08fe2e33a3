#pragma once

#include <optional>

#include <boost/asio/awaitable.hpp>

#include "body_collector.hpp"
#include "delivery.hpp"
#include "mail/smtp/session.hpp"
#include "session_shell.hpp"

namespace quorate::mail {

// Answers what an SMTP, submission or LMTP session asks.
class SmtpShell {
public:
    using Action = smtp::Action;
    using Input = smtp::Input;

    explicit SmtpShell(SessionShell& session) : body_(session.server), delivery_(session) {}

    boost::asio::awaitable<std::optional<Input>> answer(Action action);
    std::optional<Input> wake() { return std::nullopt; }
    static bool slow(const Action&) { return false; }

private:
    BodyCollector body_;
    Delivery delivery_;
};

boost::asio::awaitable<void> run_smtp(SessionShell& session);

}  // namespace quorate::mail
