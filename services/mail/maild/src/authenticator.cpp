#include "authenticator.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "io/time.hpp"

namespace quorate::mail {

boost::asio::awaitable<SaslOutcome> Authenticator::start(SaslStart start) {
    mechanism_ = std::move(start.mechanism);
    exchange_ = std::make_unique<auth::SaslExchange>(shell_.server.credentials, mechanism_);
    auto stepped = co_await shell_.server.hashers.run([this, &start]() -> Result<SaslOutcome> {
        return exchange_->start(io::mono_now(), start.initial_response);
    });
    auto outcome = co_await conclude(std::move(stepped));
    co_return outcome;
}

boost::asio::awaitable<SaslOutcome> Authenticator::respond(SaslRespond respond) {
    if (!exchange_) {
        co_return SaslOutcome{};
    }
    auto stepped = co_await shell_.server.hashers.run([this, &respond]() -> Result<SaslOutcome> {
        return exchange_->step(io::mono_now(), respond.response);
    });
    auto outcome = co_await conclude(std::move(stepped));
    co_return outcome;
}

boost::asio::awaitable<SaslOutcome> Authenticator::conclude(Result<SaslOutcome> stepped) {
    SaslOutcome outcome;
    if (stepped) {
        outcome = std::move(*stepped);
    } else {
        shell_.log.warn("login_not_checked", "why", stepped.error().to_string());
        outcome.kind = SaslOutcome::Kind::kUnavailable;
    }
    if (outcome.kind == SaslOutcome::Kind::kChallenge) {
        co_return outcome;
    }
    if (outcome.kind == SaslOutcome::Kind::kSuccess) {
        outcome = accept(std::move(outcome));
    } else if (outcome.kind == SaslOutcome::Kind::kFailure) {
        co_await punish();
    }
    exchange_.reset();
    co_return outcome;
}

SaslOutcome Authenticator::accept(SaslOutcome success) {
    auto& server = shell_.server;
    if (!shell_.entry.set_account(success.text)) {
        shell_.log.warn("login_refused", "account", success.text, "why", "too many sessions");
        success.kind = SaslOutcome::Kind::kUnavailable;
        return success;
    }
    shell_.account = success.account;
    server.failures.succeeded("user " + to_lower(success.text));
    server.metrics.logins.add();
    return success;
}

// The answer waits as long as the worse of the peer and the name deserves; not beyond the daemon's
// life.
boost::asio::awaitable<void> Authenticator::punish() {
    auto& server = shell_.server;
    const auto now = io::mono_now();
    const auto& name = exchange_->name();
    auto delay = server.failures.failed("peer " + shell_.peer.address, now);
    if (!name.empty()) {
        delay = std::max(delay, server.failures.failed("user " + to_lower(name), now));
    }
    server.metrics.login_failures.add();
    shell_.log.warn("credentials_refused", "user", name, "mechanism", mechanism_, "delay_ms",
                    delay.count());
    auto waited = co_await server.stopping.wait(now + delay);
    static_cast<void>(waited);
}

}  // namespace quorate::mail
