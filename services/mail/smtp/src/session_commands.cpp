#include <fmt/core.h>
#include <fmt/format.h>

#include <iterator>

#include "domain.hpp"
#include "session_impl.hpp"

namespace quorate::mail::smtp {

void Session::Impl::dispatch(const Command& command) {
    switch (command.verb) {
        case Verb::kEhlo:
        case Verb::kHelo:
        case Verb::kLhlo:
            return on_hello(command.verb, command.argument);
        case Verb::kMail:
            return on_mail(command.argument);
        case Verb::kRcpt:
            return on_rcpt(command.argument);
        case Verb::kData:
            return on_data(command.argument);
        case Verb::kBdat:
            return on_bdat(command.argument);
        case Verb::kRset:
            return on_reset(command.argument);
        case Verb::kStartTls:
            return on_starttls(command.argument);
        case Verb::kAuth:
            return on_auth(command.argument);
        case Verb::kQuit:
            return on_quit(command.argument);
        case Verb::kNoop:
            return on_simple(replies::kNoop);
        case Verb::kHelp:
            return on_simple(replies::kHelp);
        case Verb::kVrfy:
            return on_vrfy(command.argument);
        case Verb::kExpn:
        case Verb::kNotImplemented:
            return refuse(replies::kNotImplemented);
        case Verb::kUnknown:
            return refuse(replies::kUnknownCommand);
        case Verb::kMalformed:
            return refuse(replies::kMalformed);
    }
}

// RFC 5321 4.1.1.1; RFC 2033 4.1: LMTP has LHLO in place of both others.
void Session::Impl::on_hello(Verb verb, std::string_view name) {
    if (lmtp() != (verb == Verb::kLhlo)) {
        return refuse(replies::kUnknownCommand);
    }
    // RFC 6531 3.7.1: in ASCII, SMTPUTF8 has not been offered yet.
    if (!is_ascii(name) || (!is_domain(name) && !is_address_literal(name))) {
        return refuse(replies::kNeedsHost);
    }
    end_transaction();
    hello_ = verb == Verb::kHelo ? Hello::kHelo : Hello::kExtended;
    hello_name_ = name;
    if (verb == Verb::kHelo) {
        fmt::format_to(std::back_inserter(out_), "250 {}\r\n", options_.host_name);
    } else {
        greet_extended();
    }
    count_idle();
}

void Session::Impl::greet_extended() {
    auto out = std::back_inserter(out_);
    fmt::format_to(out, "250-{}\r\n250-PIPELINING\r\n250-SIZE {}\r\n", options_.host_name,
                   options_.message_bytes);
    out_ +=
        "250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n250-DSN\r\n250-ENHANCEDSTATUSCODES\r\n";
    // Not after AUTH in the clear: on_starttls() would refuse it.
    if (options_.policy.tls_available && !in_tls() && !user_) {
        out_ += "250-STARTTLS\r\n";
    }
    if (!mechanisms().empty()) {
        fmt::format_to(out, "250-AUTH {}\r\n", fmt::join(mechanisms(), " "));
    }
    fmt::format_to(out, "250 LIMITS MAILMAX={} RCPTMAX={}\r\n", options_.mails,
                   options_.recipients);
}

// Commands that change nothing.
void Session::Impl::on_simple(const Reply& answer) {
    reply(answer);
    count_idle();
}

// RFC 5321 3.5.3 and 7.3: who has a mailbox here is not told.
void Session::Impl::on_vrfy(std::string_view argument) {
    if (argument.empty()) {
        return refuse(replies::kNeedsAddress);
    }
    on_simple(replies::kCannotVerify);
}

void Session::Impl::on_reset(std::string_view argument) {
    if (!argument.empty()) {
        return refuse(replies::kNoArguments);
    }
    end_transaction();
    on_simple(replies::kReset);
}

void Session::Impl::on_quit(std::string_view argument) {
    if (!argument.empty()) {
        return refuse(replies::kNoArguments);
    }
    end_transaction();
    append_reply(out_, replies::kClosing, options_.host_name);
    close();
}

void Session::Impl::end_transaction() {
    if (transaction_ && transaction_->intake) {
        flush();
        transaction_->intake->discard(actions_);
    }
    transaction_.reset();
}

// RFC 3207 4.
void Session::Impl::on_starttls(std::string_view argument) {
    if (!options_.policy.tls_available && !in_tls()) {
        return refuse(replies::kNotImplemented);
    }
    if (!argument.empty()) {
        return refuse(replies::kNoArguments);
    }
    if (in_tls()) {
        return refuse(replies::kAlreadyTls);
    }
    if (user_) {
        return refuse(replies::kAlreadyAuthenticated);
    }
    if (transaction_) {
        return refuse(replies::kInTransaction);
    }
    reply(replies::kReadyForTls);
    ask(StartTls{}, Asked::kTls);
}

// RFC 3207 4.2: what the client said before is forgotten.
void Session::Impl::on(const TlsStarted& started) {
    if (!answered(Asked::kTls)) {
        return;
    }
    tls_ = started.tls;
    hello_ = Hello::kNone;
    hello_name_.clear();
    input_.clear();
    lines_ = {};
}

}  // namespace quorate::mail::smtp
