#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/base64.hpp"
#include "base/text.hpp"
#include "session_impl.hpp"

namespace quorate::mail::smtp {

const std::vector<std::string>& Session::Impl::mechanisms() const {
    return in_tls() ? options_.mechanisms_tls : options_.mechanisms_clear;
}

bool Session::Impl::auth_offered() const {
    return !options_.mechanisms_tls.empty() || !options_.mechanisms_clear.empty();
}

// RFC 4954 4: when AUTH is out of place.
std::optional<Reply> Session::Impl::auth_obstacle() const {
    if (!auth_offered()) {
        return replies::kNotImplemented;
    }
    if (hello_ != Hello::kExtended) {
        return replies::kNeedsEhlo;
    }
    if (user_) {
        return replies::kAlreadyAuthenticated;
    }
    return transaction_ ? std::optional(replies::kInTransaction) : std::nullopt;
}

void Session::Impl::on_auth(std::string_view argument) {
    if (const auto obstacle = auth_obstacle()) {
        return refuse(*obstacle);
    }
    const auto space = std::min(argument.find(' '), argument.size());
    SaslStart question{to_upper(argument.substr(0, space)), std::nullopt};
    if (question.mechanism.empty()) {
        return refuse(replies::kAuthSyntax);
    }
    const auto& offered = mechanisms();
    if (std::find(offered.begin(), offered.end(), question.mechanism) == offered.end()) {
        const auto& all = options_.mechanisms_tls;
        const bool later = std::find(all.begin(), all.end(), question.mechanism) != all.end();
        return refuse(later ? replies::kMechanismNeedsTls : replies::kUnknownMechanism);
    }
    if (space < argument.size()) {
        const auto initial = argument.substr(space + 1);
        question.initial_response = initial == "=" ? std::string() : base64_decode(initial);
        if (!question.initial_response || initial.empty()) {
            return refuse(replies::kAuthBase64);
        }
    }
    sasl_mechanism_ = question.mechanism;
    ask(std::move(question), Asked::kSasl);
}

void Session::Impl::on(const SaslOutcome& outcome) {
    if (!answered(Asked::kSasl)) {
        return;
    }
    state_ = State::kCommand;
    switch (outcome.kind) {
        case SaslOutcome::Kind::kChallenge:
            out_ += "334 " + base64_encode(outcome.text) + "\r\n";
            state_ = State::kSaslResponse;
            break;
        case SaslOutcome::Kind::kSuccess:
            sasl_user_ = outcome.text;
            if (outcome.extra.empty()) {
                authenticated();
            } else {
                out_ += "334 " + base64_encode(outcome.extra) + "\r\n";
                state_ = State::kSaslLastWord;
            }
            break;
        case SaslOutcome::Kind::kFailure:
            refuse(replies::kAuthFailed);
            break;
        case SaslOutcome::Kind::kUnavailable:
            reply(replies::kAuthUnavailable);
            break;
    }
    resume();
}

void Session::Impl::authenticated() {
    state_ = State::kCommand;
    user_ = std::exchange(sasl_user_, {});
    note(Note::Level::kInfo, "login",
         fmt::format("user={} mechanism={} tls={}", printable(*user_), sasl_mechanism_,
                     in_tls() ? "yes" : "no"));
    reply(replies::kAuthenticated);
}

void Session::Impl::abort_sasl(const Reply& why) {
    if (state_ == State::kSaslResponse) {
        flush();
        actions_.emplace_back(SaslAbort{});
    }
    state_ = State::kCommand;
    sasl_user_.clear();
    refuse(why);
}

void Session::Impl::on_sasl_line(std::string_view line) {
    if (line == "*") {
        return abort_sasl(replies::kAuthCancelled);
    }
    auto response = base64_decode(line);
    const bool last_word = state_ == State::kSaslLastWord;
    if (!response || (last_word && !response->empty())) {
        return abort_sasl(replies::kAuthBase64);
    }
    if (last_word) {
        authenticated();
    } else {
        ask(SaslRespond{std::move(*response)}, Asked::kSasl);
    }
}

}  // namespace quorate::mail::smtp
