// The AUTHORIZATION state (RFC 1939 4): who is there, and may they have the maildrop?

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/assert.hpp"
#include "base/base64.hpp"
#include "base/text.hpp"
#include "session_impl.hpp"

namespace quorate::mail::pop3 {
namespace {

bool sends_password(std::string_view mechanism) {
    return mechanism == "PLAIN" || mechanism == "LOGIN";
}

// RFC 5034 4: no initial response, an empty one ("="), or one in base64.
struct Initial {
    bool valid = true;
    std::optional<std::string> response;
};
Initial decode_initial(const std::vector<std::string_view>& words) {
    if (words.size() < 2) {
        return {};
    }
    if (words[1] == "=") {
        return {true, std::string()};
    }
    auto octets = base64_decode(words[1]);
    return {octets.has_value(), std::move(octets)};
}

}  // namespace

bool Session::Impl::authorization_command(const Command& command) {
    switch (command.verb) {
        case Verb::kAuth:
            auth(command);
            return true;
        case Verb::kCapa:
            capa(command);
            return true;
        case Verb::kPass:
            pass(command);
            return true;
        case Verb::kQuit:
            quit(command);
            return true;
        case Verb::kStls:
            stls(command);
            return true;
        case Verb::kUser:
            user(command);
            return true;
        case Verb::kApop:
        case Verb::kDele:
        case Verb::kList:
        case Verb::kNoop:
        case Verb::kRetr:
        case Verb::kRset:
        case Verb::kStat:
        case Verb::kTop:
        case Verb::kUidl:
        case Verb::kUnknown:
            break;
    }
    return false;
}

std::vector<std::string> Session::Impl::mechanisms() const {
    if (tls_) {
        return options_.mechanisms_tls;
    }
    auto clear = options_.mechanisms_clear;
    if (options_.policy.tls_required_for_auth) {
        std::erase_if(clear, sends_password);
    }
    return clear;
}

bool Session::Impl::offers(std::string_view mechanism) const {
    const auto offered = mechanisms();
    return std::find(offered.begin(), offered.end(), mechanism) != offered.end();
}

// RFC 2449 5 and 6. What identifies the program is for those who have logged in.
void Session::Impl::capa(const Command& command) {
    if (!command.bare()) {
        fault("CAPA has no argument");
        return;
    }
    std::string lines =
        "+OK capabilities\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\n"
        "EXPIRE NEVER\r\n";
    if (state_ == State::kTransaction) {
        lines += fmt::format("IMPLEMENTATION {}\r\n", options_.implementation);
    }
    if (offers("PLAIN")) {
        lines += "USER\r\n";
    }
    if (const auto offered = mechanisms(); !offered.empty()) {
        lines += "SASL";
        for (const auto& mechanism : offered) {
            lines += " " + mechanism;
        }
        lines += "\r\n";
    }
    if (options_.policy.tls_available && !tls_ && state_ == State::kAuthorization) {
        lines += "STLS\r\n";
    }
    out_.emplace_back(Send{lines + ".\r\n"});
}

// The name is not judged here: that would tell which ones exist.
void Session::Impl::user(const Command& command) {
    if (command.argument.empty()) {
        fault("USER needs a name");
    } else if (!offers("PLAIN")) {
        fault(tls_ ? "USER is not offered" : "USER is not offered without TLS");
    } else {
        user_ = command.argument;
        ok();
    }
}

// RFC 1939 7: spaces are part of the password; PASS comes immediately after USER.
void Session::Impl::pass(const Command& command) {
    const auto name = std::exchange(user_, {});
    if (name.empty()) {
        fault("PASS comes after USER");
        return;
    }
    std::string response(1, '\0');
    response += name;
    response += '\0';
    response += command.argument;
    start_sasl("PLAIN", std::move(response));
}

void Session::Impl::auth(const Command& command) {
    const auto words = words_of(command.argument);
    if (!words || words->empty() || words->size() > 2) {
        fault("AUTH needs a mechanism and at most an initial response");
        return;
    }
    auto mechanism = to_upper(words->front());
    if (!offers(mechanism)) {
        fault("this mechanism is not offered");
        return;
    }
    auto initial = decode_initial(*words);
    if (!initial.valid) {
        fault("the initial response is not base64");
        return;
    }
    start_sasl(std::move(mechanism), std::move(initial.response));
}

void Session::Impl::start_sasl(std::string mechanism, std::optional<std::string> initial) {
    mechanism_ = mechanism;
    waiting_ = Waiting::kSasl;
    out_.emplace_back(SaslStart{std::move(mechanism), std::move(initial)});
}

void Session::Impl::sasl_response(const std::string& line) {
    const auto response = base64_decode(line);
    if (response) {
        waiting_ = Waiting::kSasl;
        out_.emplace_back(SaslRespond{*response});
        return;
    }
    out_.emplace_back(SaslAbort{});
    fault(line == "*" ? "authentication cancelled" : "the response is not base64");
}

// The answer to the server's last word, which POP3 cannot put into its +OK (RFC 5034 4).
void Session::Impl::sasl_empty_response(const std::string& line) {
    if (line.empty()) {
        open_maildrop();
        return;
    }
    account_.clear();
    fault(line == "*" ? "authentication cancelled" : "an empty response was expected");
}

void Session::Impl::take(SaslOutcome& outcome) {
    QUORATE_ASSERT(waiting_ == Waiting::kSasl);
    waiting_ = Waiting::kNothing;
    switch (outcome.kind) {
        case SaslOutcome::Kind::kChallenge:
            expecting_ = Expecting::kSaslResponse;
            out_.emplace_back(Send{fmt::format("+ {}\r\n", base64_encode(outcome.text))});
            return;
        case SaslOutcome::Kind::kFailure:
            fault("[AUTH] authentication failed");
            return;
        case SaslOutcome::Kind::kUnavailable:
            err("[SYS/TEMP] authentication is not possible now");
            return;
        case SaslOutcome::Kind::kSuccess:
            break;
    }
    account_ = printable(outcome.text);
    if (outcome.extra.empty()) {
        open_maildrop();
        return;
    }
    expecting_ = Expecting::kSaslEmptyResponse;
    out_.emplace_back(Send{fmt::format("+ {}\r\n", base64_encode(outcome.extra))});
}

void Session::Impl::open_maildrop() {
    waiting_ = Waiting::kMaildrop;
    out_.emplace_back(OpenMaildrop{});
}

// A maildrop that cannot be had leaves the session where it was (RFC 1939 4).
void Session::Impl::take(MaildropOpened& opened) {
    QUORATE_ASSERT(waiting_ == Waiting::kMaildrop);
    waiting_ = Waiting::kNothing;
    switch (opened.kind) {
        case MaildropOpened::Kind::kInUse:
            err("[IN-USE] the maildrop is locked by another session");
            return;
        case MaildropOpened::Kind::kTooMany:
            err("[SYS/TEMP] too many sessions");
            return;
        case MaildropOpened::Kind::kTemporary:
            err("[SYS/TEMP] the maildrop cannot be opened now");
            return;
        case MaildropOpened::Kind::kOk:
            break;
    }
    maildrop_.open(std::move(opened));
    state_ = State::kTransaction;
    deadline_ = now_ + options_.idle;
    note(Note::Level::kInfo, "pop3_login",
         fmt::format("account={} mechanism={} tls={} messages={} octets={}", account_, mechanism_,
                     tls_, maildrop_.count(), maildrop_.octets()));
    ok("maildrop has " + maildrop_.total());
}

// RFC 2595 4: only here, only once.
void Session::Impl::stls(const Command& command) {
    if (!command.bare()) {
        fault("STLS has no argument");
    } else if (!options_.policy.tls_available || tls_) {
        fault(tls_ ? "TLS is active already" : "TLS is not available");
    } else {
        ok("begin TLS negotiation");
        // What came in clear text behind the command may be somebody else's (RFC 2595 2.4).
        input_.clear();
        waiting_ = Waiting::kTls;
        out_.emplace_back(StartTls{});
    }
}

void Session::Impl::take(TlsStarted&) {
    QUORATE_ASSERT(waiting_ == Waiting::kTls);
    waiting_ = Waiting::kNothing;
    tls_ = true;
}

}  // namespace quorate::mail::pop3
