#include "mail/imap/session.hpp"

#include <type_traits>

#include <fmt/format.h>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "session_impl.hpp"

namespace quorate::mail::imap {
namespace {

constexpr std::size_t kSaslLineMax = 12'288;
constexpr std::size_t kShortLineMax = 1'024;

std::string_view farewell(Shutdown::Why why) {
    switch (why) {
        case Shutdown::Why::kServerStops:
            break;
        case Shutdown::Why::kOperator:
            return "The operator ended this session";
        case Shutdown::Why::kAccountClosed:
            return "[CONTACTADMIN] Your account was disabled or removed";
    }
    return "[UNAVAILABLE] Server is shutting down";
}

}  // namespace

Session::Session(const Options& options, Peer, MonoTime now)
    : impl_(std::make_unique<Impl>(options, now)) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

std::vector<Action> Session::start(MonoTime now) {
    impl_->note_time(now);
    impl_->greet();
    return impl_->take_actions();
}

std::vector<Action> Session::step(MonoTime now, Input input) {
    if (impl_->is_closed()) {
        return {};
    }
    std::visit(
        [&](auto& event) {
            using Event = std::decay_t<decltype(event)>;
            if constexpr (std::is_same_v<Event, TimerExpired>) {
                impl_->timer_expired(now);
            } else if constexpr (std::is_same_v<Event, PeerClosed>) {
                impl_->peer_closed();
            } else if constexpr (std::is_same_v<Event, Shutdown>) {
                impl_->shut_down(event);
            } else if constexpr (std::is_same_v<Event, Changed>) {
                impl_->account_changed();
            } else if constexpr (std::is_same_v<Event, Received>) {
                impl_->note_time(now);
                impl_->receive(event.bytes);
            } else {
                impl_->note_time(now);
                impl_->answer(event);
            }
        },
        input);
    return impl_->take_actions();
}

std::optional<MonoTime> Session::deadline() const { return impl_->deadline(); }

// ---- octets

void Session::Impl::receive(std::string_view octets) {
    QUORATE_ASSERT(question_ == Question::kNone);
    if (!buffer_.empty()) {
        buffer_.append(octets);
        handle_buffered();
        return;
    }
    const auto handled = handle(octets);
    if (handled < octets.size()) {
        buffer_.append(octets.substr(handled));
    }
}

void Session::Impl::handle_buffered() { buffer_.consume(handle(buffer_.view())); }

std::size_t Session::Impl::handle(std::string_view input) {
    std::size_t handled = 0;
    while (question_ == Question::kNone && !is_closed()) {
        const auto taken = take(input.substr(handled));
        if (!taken) {
            break;
        }
        handled += *taken;
    }
    // What came in the clear behind STARTTLS was not said under TLS (RFC 3501 6.2.1): an attacker
    // may have put it there.
    const bool discard = question_ == Question::kTls || is_closed();
    return discard ? input.size() : handled;
}

std::optional<std::size_t> Session::Impl::take(std::string_view input) {
    if (input.empty()) {
        return std::nullopt;
    }
    switch (phase_) {
        case Phase::kCommand:
            return take_command(input);
        case Phase::kMessage:
            return take_message(input);
        case Phase::kSwallow:
            return take_swallowed(input);
        case Phase::kSasl:
        case Phase::kSaslFinal:
        case Phase::kIdle:
        case Phase::kMessageEnd:
            return take_line(input);
        case Phase::kClosed:
            break;
    }
    return std::nullopt;
}

std::size_t Session::Impl::command_limit() const {
    return state_ == kNotAuthenticated ? options_.command_bytes_before_login
                                       : options_.command_bytes;
}

std::optional<std::size_t> Session::Impl::take_command(std::string_view input) {
    switch (reader_.next(input, command_limit())) {
        case CommandReader::Event::kMore:
            return std::nullopt;
        case CommandReader::Event::kTooLong:
            return take_too_long(input);
        case CommandReader::Event::kLiteral:
            return take_literal(input.substr(0, reader_.size()));
        case CommandReader::Event::kCommand:
            break;
    }
    const auto size = reader_.size();
    reader_.restart();
    command(without_cr(input.substr(0, size - 1)));
    return size;
}

std::optional<std::size_t> Session::Impl::take_too_long(std::string_view input) {
    // The line is not whole: what is left of it is swallowed from its beginning, so that a literal
    // at its end is noticed.
    const auto line = reader_.line_begin();
    const auto head = parse_head(input.substr(0, command_limit()), state_);
    reader_.restart();
    bad(head.tag, "command is too long");
    swallow(0);
    return line;
}

// A literal is announced: is it worth waiting for?
std::size_t Session::Impl::take_literal(std::string_view text) {
    auto head = parse_head(text, state_);
    if (head.failure) {
        refuse(head);
        return give_up(text);
    }
    if (head.name == "APPEND") {
        return take_append_literal(text, head);
    }
    if (head.name == "LOGIN" && !is_login_offered(options_, standing())) {
        // Before the password is sent.
        refuse_login(head);
        return give_up(text);
    }
    return accept_literal(text, head);
}

std::size_t Session::Impl::accept_literal(std::string_view text, const Request& head) {
    if (reader_.literal().size > command_limit() - text.size()) {
        bad(head.tag, fmt::format("{}: literal is too large", head.name));
        return give_up(text);
    }
    if (reader_.literal().synchronizing) {
        send("+ OK\r\n");
    }
    reader_.accept_literal();
    return 0;
}

// The command is answered already. Who waits for "+" sends no more of it; what comes without
// asking is swallowed.
std::size_t Session::Impl::give_up(std::string_view text) {
    const auto literal = reader_.literal();
    reader_.restart();
    if (!literal.synchronizing) {
        swallow(literal.size);
    }
    return text.size();
}

std::optional<std::size_t> Session::Impl::take_line(std::string_view input) {
    const bool sasl = phase_ == Phase::kSasl || phase_ == Phase::kSaslFinal;
    const auto limit = sasl ? kSaslLineMax : kShortLineMax;
    const auto end = input.find('\n', line_scanned_);
    if (end == std::string_view::npos && input.size() <= limit) {
        line_scanned_ = input.size();
        return std::nullopt;
    }
    line_scanned_ = 0;
    if (end > limit) {
        handle_line(std::nullopt);
        swallow(0);
        return 0;
    }
    handle_line(without_cr(input.substr(0, end)));
    // A line that was not what it should be may announce a literal.
    return phase_ == Phase::kSwallow ? 0 : end + 1;
}

void Session::Impl::handle_line(std::optional<std::string_view> line) {
    if (phase_ == Phase::kSasl) {
        sasl_line(line);
    } else if (phase_ == Phase::kSaslFinal) {
        sasl_final_line(line);
    } else if (phase_ == Phase::kIdle) {
        end_idle(line && iequals(*line, "DONE"));
    } else {
        message_end(line);
    }
}

// ---- what happens

std::optional<MonoTime> Session::Impl::deadline() const {
    if (is_closed() || question_ == Question::kExecute || question_ == Question::kSasl) {
        return std::nullopt;
    }
    if (state_ == kNotAuthenticated) {
        return began_ + options_.before_login;
    }
    const bool literal = phase_ == Phase::kMessage || phase_ == Phase::kMessageEnd ||
                         phase_ == Phase::kSwallow || reader_.in_literal();
    return last_input_ + (literal ? options_.literal : options_.idle);
}

void Session::Impl::timer_expired(MonoTime now) {
    const auto due = deadline();
    if (!due || now < *due) {
        return;
    }
    note(Note::Level::kInfo, "timeout", state_ == kNotAuthenticated ? "before=login" : "");
    if (question_ == Question::kTls) {
        close();
    } else {
        bye(state_ == kNotAuthenticated ? "Login took too long" : "Idle for too long");
    }
}

void Session::Impl::peer_closed() { close(); }

void Session::Impl::shut_down(const Shutdown& shutdown) {
    if (question_ == Question::kExecute) {
        // Its responses may be half sent.
        shutting_down_ = shutdown;
    } else if (question_ == Question::kTls) {
        close();
    } else {
        bye(farewell(shutdown.why));
    }
}

void Session::Impl::answer(const TlsStarted&) {
    QUORATE_ASSERT(question_ == Question::kTls);
    question_ = Question::kNone;
    tls_ = true;
}

void Session::Impl::answer(const Executed& executed) {
    QUORATE_ASSERT(question_ == Question::kExecute);
    question_ = Question::kNone;
    if (!executed.bye.empty()) {
        bye(executed.bye);
        return;
    }
    state_ = executed.selected == Executed::Selected::kNone ? kAuthenticated : kSelected;
    if (shutting_down_) {
        shut_down(*shutting_down_);
        return;
    }
    if (executing_ == Executing::kAppendCheck) {
        append_checked(executed.ok);
    }
    handle_buffered();
    if (changed_ && phase_ == Phase::kIdle && question_ == Question::kNone) {
        poll();
    }
}

void Session::Impl::account_changed() {
    if (phase_ != Phase::kIdle || state_ != kSelected) {
        return;
    }
    if (question_ == Question::kNone) {
        poll();
    } else {
        changed_ = true;
    }
}

}  // namespace quorate::mail::imap
