#include <algorithm>

#include <fmt/format.h>

#include "base/assert.hpp"
#include "base/base64.hpp"
#include "base/text.hpp"
#include "session_impl.hpp"

// LOGIN and AUTHENTICATE (RFC 3501 6.2, RFC 4422, RFC 4959).
namespace quorate::mail::imap {
namespace {

constexpr std::uint32_t kRefusedMax = 10;
constexpr std::string_view kPrivacyRequired = "[PRIVACYREQUIRED] Start TLS first";

bool contains(const auto& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::string plain_response(const LoginRequest& login) {
    std::string response(1, '\0');
    response += login.user;
    response.push_back('\0');
    response += login.password;
    return response;
}

}  // namespace

void Session::Impl::perform(const Request& request, LoginRequest& login) {
    if (!is_login_offered(options_, standing())) {
        refuse_login(request);
        return;
    }
    start_sasl(request, SaslStart{"PLAIN", plain_response(login)});
}

void Session::Impl::refuse_login(const Request& request) {
    tagged(request.tag, "NO",
           is_starttls_offered(options_, standing()) ? kPrivacyRequired
                                                     : "[CANNOT] LOGIN is disabled");
}

bool Session::Impl::is_mechanism_offered(const Request& request, std::string_view mechanism) {
    if (contains(offered_mechanisms(options_, standing()), mechanism)) {
        return true;
    }
    const bool after_tls =
        is_starttls_offered(options_, standing()) && contains(options_.mechanisms_tls, mechanism);
    tagged(request.tag, "NO",
           after_tls ? kPrivacyRequired : "[CANNOT] Unsupported authentication mechanism");
    return false;
}

void Session::Impl::perform(const Request& request, AuthenticateRequest& authenticate) {
    if (!is_mechanism_offered(request, authenticate.mechanism)) {
        return;
    }
    SaslStart start{std::move(authenticate.mechanism), std::nullopt};
    if (authenticate.initial) {
        const bool empty = *authenticate.initial == "=";
        start.initial_response = empty ? std::string() : base64_decode(*authenticate.initial);
        if (!start.initial_response) {
            bad(request.tag, "AUTHENTICATE: initial response is not base64");
            return;
        }
    }
    start_sasl(request, std::move(start));
}

void Session::Impl::start_sasl(const Request& request, SaslStart start) {
    tag_ = request.tag;
    mechanism_ = start.mechanism;
    by_login_ = request.name == "LOGIN";
    phase_ = Phase::kSasl;
    question_ = Question::kSasl;
    actions_.emplace_back(std::move(start));
}

void Session::Impl::answer(const SaslOutcome& outcome) {
    QUORATE_ASSERT(question_ == Question::kSasl);
    question_ = Question::kNone;
    switch (outcome.kind) {
        case SaslOutcome::Kind::kChallenge:
            send_line({"+ ", base64_encode(outcome.text)});
            break;
        case SaslOutcome::Kind::kSuccess:
            sasl_succeeded(outcome);
            break;
        case SaslOutcome::Kind::kFailure:
            sasl_failed("AUTHENTICATIONFAILED", "Authentication failed");
            break;
        case SaslOutcome::Kind::kUnavailable:
            sasl_failed("UNAVAILABLE", "Authentication is not possible now");
            break;
    }
    handle_buffered();
}

void Session::Impl::sasl_line(std::optional<std::string_view> line) {
    if (line == "*") {
        sasl_cancelled("AUTHENTICATE was cancelled");
        return;
    }
    auto response = line ? base64_decode(*line) : std::nullopt;
    if (!response) {
        sasl_cancelled("AUTHENTICATE: response is not base64");
        return;
    }
    question_ = Question::kSasl;
    actions_.emplace_back(SaslRespond{std::move(*response)});
}

// The server's last word went out as a challenge, because IMAP has no place for it in OK; the
// client must have seen it before the exchange is over (RFC 4422 3.6).
void Session::Impl::sasl_final_line(std::optional<std::string_view> line) {
    if (line == "") {
        logged_in();
    } else {
        sasl_cancelled(line == "*" ? "AUTHENTICATE was cancelled"
                                   : "AUTHENTICATE: empty response expected");
    }
}

void Session::Impl::sasl_cancelled(std::string_view what) {
    phase_ = Phase::kCommand;
    actions_.emplace_back(SaslAbort{});
    bad(std::exchange(tag_, {}), what);
}

void Session::Impl::sasl_succeeded(const SaslOutcome& outcome) {
    user_ = outcome.text;
    if (outcome.extra.empty() || by_login_) {
        logged_in();
        return;
    }
    phase_ = Phase::kSaslFinal;
    send_line({"+ ", base64_encode(outcome.extra)});
}

void Session::Impl::sasl_failed(std::string_view code, std::string_view what) {
    phase_ = Phase::kCommand;
    note(Note::Level::kInfo, "login_failed", fmt::format("mechanism={} code={}", mechanism_, code));
    tagged(std::exchange(tag_, {}), "NO", fmt::format("[{}] {}", code, what));
    if (++refused_ >= kRefusedMax) {
        bye("Too many failed logins");
    }
}

void Session::Impl::logged_in() {
    phase_ = Phase::kCommand;
    state_ = kAuthenticated;
    note(Note::Level::kInfo, "login",
         fmt::format("user={} mechanism={} tls={}", printable(std::exchange(user_, {})),
                     std::exchange(mechanism_, {}), tls_ ? "yes" : "no"));
    tagged(std::exchange(tag_, {}), "OK",
           fmt::format("[{}] Logged in", capability_text(options_, standing())));
}

}  // namespace quorate::mail::imap
