#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mail/auth/credentials.hpp"
#include "mail/session/session.hpp"

namespace quorate::mail::auth {

// Mechanisms that are offered, strongest first. Without TLS only those that do not send the
// password.
std::vector<std::string> sasl_mechanisms(bool clear_text_allowed);

// The server's side of one SASL exchange (RFC 4422), done by libgsasl: PLAIN (RFC 4616), LOGIN,
// SCRAM-SHA-256 (RFC 7677).
//
//     SaslExchange exchange(credentials, "PLAIN");
//     auto outcome = exchange.step(now, response);     until it is not kChallenge
//
// step() verifies passwords and so is slow on purpose: on a worker thread, one call at a time.
class SaslExchange {
public:
    SaslExchange(Credentials& credentials, std::string_view mechanism);
    ~SaslExchange();
    SaslExchange(const SaslExchange&) = delete;
    SaslExchange& operator=(const SaslExchange&) = delete;

    // `initial` is absent when the client sent no initial response.
    SaslOutcome start(MonoTime now, const std::optional<std::string>& initial);
    SaslOutcome step(MonoTime now, std::string_view response);

    // The name that was tried, for the log; may be anything.
    const std::string& name() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace quorate::mail::auth
