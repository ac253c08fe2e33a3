#pragma once

#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "mail/auth/sasl.hpp"
#include "mail/session/session.hpp"
#include "session_shell.hpp"

namespace quorate::mail {

// One session's SASL exchange: steps run on the hashing pool, because a password hash is slow on
// purpose; failures are counted, logged and answered late.
class Authenticator {
public:
    explicit Authenticator(SessionShell& shell) : shell_(shell) {}

    boost::asio::awaitable<SaslOutcome> start(SaslStart start);
    boost::asio::awaitable<SaslOutcome> respond(SaslRespond respond);
    // A SCRAM client may still say no when it has been accepted.
    void abort() {
        exchange_.reset();
        shell_.entry.clear_account();
    }

private:
    boost::asio::awaitable<SaslOutcome> conclude(Result<SaslOutcome> outcome);
    SaslOutcome accept(SaslOutcome success);
    boost::asio::awaitable<void> punish();

    SessionShell& shell_;
    std::string mechanism_;
    std::unique_ptr<auth::SaslExchange> exchange_;
};

}  // namespace quorate::mail
