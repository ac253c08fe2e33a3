#pragma once

#include <memory>
#include <optional>

#include <boost/asio/awaitable.hpp>

#include "mail/pop3/session.hpp"
#include "session_shell.hpp"

namespace quorate::mail {

// Answers what a POP3 session asks, and holds the lock on its maildrop.
class Pop3Shell {
public:
    using Action = pop3::Action;
    using Input = pop3::Input;

    explicit Pop3Shell(SessionShell& session) : session_(session) {}
    ~Pop3Shell();

    boost::asio::awaitable<std::optional<Input>> answer(Action action);
    std::optional<Input> wake() { return std::nullopt; }
    static bool slow(const Action&) { return false; }

private:
    boost::asio::awaitable<pop3::MaildropOpened> open();
    boost::asio::awaitable<pop3::BodyRead> read(pop3::ReadBody question);
    boost::asio::awaitable<pop3::Removed> remove(pop3::RemoveMessages question);

    SessionShell& session_;
    std::shared_ptr<AccountSlot> slot_;  // with everybody else who uses the account
    store::MailboxId inbox_;
    bool locked_ = false;
    // Where the message that is being read stands.
    store::BodyId body_id_;
    store::BodyRef body_;
};

boost::asio::awaitable<void> run_pop3(SessionShell& session);

}  // namespace quorate::mail
