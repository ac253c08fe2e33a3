#include "mail/pop3/session.hpp"

#include <utility>

#include <fmt/core.h>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "session_impl.hpp"

namespace quorate::mail::pop3 {
namespace {

// As many as IMAP takes: who wants his mail needs few.
constexpr std::size_t kCommandsBeforeLoginMax = 100;

// RFC 3206 4: SYS/PERM wants the user to ask somebody, SYS/TEMP will be better soon.
std::string_view farewell(Shutdown::Why why) {
    switch (why) {
        case Shutdown::Why::kServerStops:
            break;
        case Shutdown::Why::kOperator:
            return "[SYS/TEMP] the operator ended this session";
        case Shutdown::Why::kAccountClosed:
            return "[SYS/PERM] your account was disabled or removed";
    }
    return "[SYS/TEMP] the server is stopping";
}

}  // namespace

Session::Impl::Impl(const Options& options, MonoTime now)
    : options_(options),
      now_(now),
      tls_(options.policy.implicit_tls),
      deadline_(now + options.before_login) {}

// No timestamp in angle brackets: that would offer APOP (RFC 1939 7).
std::vector<Action> Session::Impl::start() {
    ok(fmt::format("{} POP3 ready", options_.host_name));
    return std::exchange(out_, {});
}

std::vector<Action> Session::Impl::step(MonoTime now, Input input) {
    now_ = now;
    if (state_ != State::kClosed) {
        std::visit([this](auto& one) { take(one); }, input);
        run();
    }
    return std::exchange(out_, {});
}

// While the shell works there is no hurry on the client; two questions have the client in them: TLS
// waits for its handshake, the next piece of a message for it to have read the last one.
std::optional<MonoTime> Session::Impl::deadline() const {
    const bool client_acts =
        waiting_ == Waiting::kNothing || waiting_ == Waiting::kTls || waiting_ == Waiting::kBody;
    return state_ != State::kClosed && client_acts ? std::optional(deadline_) : std::nullopt;
}

void Session::Impl::take(Received& received) {
    QUORATE_ASSERT(waiting_ == Waiting::kNothing);
    input_.append(received.bytes);
}

// RFC 1939 3: the timer closes "without removing any messages or sending any response".
void Session::Impl::take(TimerExpired&) {
    if (now_ < deadline_) {
        return;
    }
    note(Note::Level::kInfo, "pop3_timeout", account_.empty() ? "" : "account=" + account_);
    close();
}

void Session::Impl::take(PeerClosed&) { close(); }

// Removals that are under way are waited for: the client is told what became of them, and then the
// session ends anyway. In the middle of a message or a TLS handshake a response would be taken for
// something else.
void Session::Impl::take(Shutdown& shutdown) {
    if (waiting_ == Waiting::kRemoval) {
        return;
    }
    if (!transfer_ && waiting_ != Waiting::kTls) {
        err(farewell(shutdown.why));
    }
    close();
}

void Session::Impl::run() {
    while (state_ != State::kClosed && waiting_ == Waiting::kNothing) {
        const auto line = next_line();
        if (!line) {
            return;
        }
        deadline_ = state_ == State::kTransaction ? now_ + options_.idle : deadline_;
        handle_line(*line);
    }
}

// A line without its end. CRLF ends lines; a line feed alone is let through, there is nothing that
// could be smuggled into this protocol.
std::optional<std::string> Session::Impl::next_line() {
    while (!input_.empty()) {
        const auto end = input_.view().find('\n');
        const bool whole = end != std::string_view::npos;
        if (skipping_line_) {
            skipping_line_ = !whole;
            input_.consume(whole ? end + 1 : input_.size());
            continue;
        }
        if ((whole ? end + 1 : input_.size()) > line_max()) {
            skipping_line_ = true;
            refuse_long_line();
            if (state_ == State::kClosed) {
                return std::nullopt;
            }
            continue;
        }
        if (!whole) {
            return std::nullopt;
        }
        std::string line(input_.view().substr(0, end));
        input_.consume(end + 1);
        if (line.ends_with('\r')) {
            line.pop_back();
        }
        return line;
    }
    return std::nullopt;
}

// AUTH may carry an initial response, which RFC 2449's limit has no room for.
std::size_t Session::Impl::line_max() const {
    const bool sasl = expecting_ != Expecting::kCommand ||
                      (state_ == State::kAuthorization && istarts_with(input_.view(), "AUTH "));
    return sasl ? kSaslLineMax : kCommandLineMax;
}

void Session::Impl::refuse_long_line() {
    user_.clear();
    if (expecting_ == Expecting::kSaslResponse) {
        out_.emplace_back(SaslAbort{});
    }
    expecting_ = Expecting::kCommand;
    fault("line too long");
}

void Session::Impl::handle_line(const std::string& line) {
    switch (std::exchange(expecting_, Expecting::kCommand)) {
        case Expecting::kSaslResponse:
            sasl_response(line);
            return;
        case Expecting::kSaslEmptyResponse:
            sasl_empty_response(line);
            return;
        case Expecting::kCommand:
            break;
    }
    handle_command(parse_command(line));
}

void Session::Impl::handle_command(const Command& command) {
    if (command.verb != Verb::kPass) {
        user_.clear();
    }
    if (!command.well_formed) {
        fault("control character in a command");
        return;
    }
    if (state_ == State::kAuthorization && ++commands_ > kCommandsBeforeLoginMax) {
        err("too many commands before login");
        note(Note::Level::kWarn, "pop3_too_many_commands", "");
        return close();
    }
    const bool handled = state_ == State::kAuthorization ? authorization_command(command)
                                                         : transaction_command(command);
    if (!handled) {
        fault(command.verb == Verb::kUnknown ? "unknown command" : "not a command of this state");
    }
}

void Session::Impl::ok(std::string_view text) {
    out_.emplace_back(Send{fmt::format("+OK{}{}\r\n", text.empty() ? "" : " ", text)});
}

void Session::Impl::err(std::string_view text) {
    out_.emplace_back(Send{fmt::format("-ERR {}\r\n", text)});
}

void Session::Impl::fault(std::string_view text) {
    err(text);
    if (++faults_ >= options_.errors) {
        note(Note::Level::kWarn, "pop3_too_many_errors", fmt::format("errors={}", faults_));
        close();
    }
}

void Session::Impl::note(Note::Level level, std::string event, std::string detail) {
    out_.emplace_back(Note{level, std::move(event), std::move(detail)});
}

void Session::Impl::close() {
    state_ = State::kClosed;
    waiting_ = Waiting::kNothing;
    input_.clear();
    out_.emplace_back(Close{});
}

// ---- the public face

Session::Session(const Options& options, Peer, MonoTime now)
    : impl_(std::make_unique<Impl>(options, now)) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

std::vector<Action> Session::start(MonoTime) { return impl_->start(); }

std::vector<Action> Session::step(MonoTime now, Input input) {
    return impl_->step(now, std::move(input));
}

std::optional<MonoTime> Session::deadline() const { return impl_->deadline(); }

}  // namespace quorate::mail::pop3
