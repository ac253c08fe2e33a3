#pragma once

#include <memory>
#include <optional>

#include <boost/asio/awaitable.hpp>

#include "body_collector.hpp"
#include "mail/imap/executor.hpp"
#include "mail/imap/session.hpp"
#include "session_shell.hpp"

namespace quorate::mail {

// Runs the commands of an IMAP session on its account and sends what they bring. The account is
// held while a mailbox is selected, and else only while a command runs.
class ImapShell {
public:
    using Action = imap::Action;
    using Input = imap::Input;

    explicit ImapShell(SessionShell& session);
    ~ImapShell();

    boost::asio::awaitable<std::optional<Input>> answer(Action action);
    // The selected mailbox was changed by somebody else.
    std::optional<Input> wake();
    static bool slow(const Action& action);
    // Lets go of the mailbox; once, at the end.
    boost::asio::awaitable<void> finish();

private:
    // Shared with the executor's callback, which may still be on its way here from the account's
    // strand when the session is over.
    struct WakeUp;

    boost::asio::awaitable<imap::Executed> execute(std::unique_ptr<imap::Command> command);
    boost::asio::awaitable<imap::Executed> send_pieces(Result<imap::Piece> first,
                                                       const imap::Command& command);
    imap::Executed refuse(const imap::Command& command, const Error& error);
    void make_executor();
    std::shared_ptr<AccountSlot> slot();
    imap::RunContext context(store::Account& account);

    SessionShell& session_;
    BodyCollector body_;
    std::shared_ptr<WakeUp> wake_up_;
    std::shared_ptr<AccountSlot> slot_;  // with everybody else who uses the account
    std::unique_ptr<imap::Executor> executor_;
    imap::Executed::Selected selected_ = imap::Executed::Selected::kNone;
};

boost::asio::awaitable<void> run_imap(SessionShell& session);

}  // namespace quorate::mail
