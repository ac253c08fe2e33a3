#include "mail/smtp/session.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "session_impl.hpp"

namespace quorate::mail::smtp {
namespace {

constexpr std::size_t kLineMax = 4096;
constexpr std::size_t kAuthLineMax = 12'288;  // RFC 4954 4
constexpr std::size_t kPieceMax = 64 * 1024;
// Commands that bring no message nearer, between two messages; each one more counts as refused.
// Besides these, all recipients of a MAIL that was refused may be in the pipeline.
constexpr std::size_t kIdleCommands = 100;

}  // namespace

Session::Session(const Options& options, Start start)
    : impl_(std::make_unique<Impl>(options, std::move(start))) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

std::vector<Action> Session::start(MonoTime now) { return impl_->start(now); }
std::vector<Action> Session::step(MonoTime now, Input input) {
    return impl_->step(now, std::move(input));
}
std::optional<MonoTime> Session::deadline() const { return impl_->deadline(); }

std::vector<Action> Session::Impl::start(MonoTime now) {
    now_ = now;
    auth_timer_ = now + options_.greeting_to_auth;
    rearm();
    append_reply(out_, {220, "", lmtp() ? "LMTP Quorate" : "ESMTP Quorate"}, options_.host_name);
    return take_actions();
}

std::vector<Action> Session::Impl::step(MonoTime now, Input input) {
    if (state_ == State::kClosed) {
        return {};
    }
    now_ = now;
    std::visit([this](const auto& what) { on(what); }, input);
    return take_actions();
}

std::vector<Action> Session::Impl::take_actions() {
    flush();
    if (state_ == State::kClosed) {
        actions_.emplace_back(Close{});
    }
    return std::exchange(actions_, {});
}

// ---- time

std::optional<MonoTime> Session::Impl::deadline() const {
    const bool waits_for_shell = asked_ != Asked::kNothing && asked_ != Asked::kTls;
    if (state_ == State::kClosed || waits_for_shell) {
        return std::nullopt;
    }
    return submission() && !user_ ? std::min(timer_, auth_timer_) : timer_;
}

void Session::Impl::rearm() {
    const bool content = state_ == State::kData || state_ == State::kChunk;
    timer_ = now_ + (content ? options_.data : options_.command);
}

void Session::Impl::on(const TimerExpired&) {
    const auto due = deadline();
    if (!due || now_ < *due) {
        return;
    }
    if (asked_ == Asked::kTls) {
        close();
    } else {
        note(Note::Level::kInfo, "timeout", submission() && !user_ ? "before=login" : "");
        say_goodbye(replies::kTimeout);
    }
}

// ---- octets

void Session::Impl::on(const Received& received) {
    if (state_ == State::kData || state_ == State::kChunk) {
        rearm();
    }
    if (input_.empty() && asked_ == Asked::kNothing) {
        const auto used = consume(received.bytes);
        input_.append(received.bytes.substr(used));
    } else {
        input_.append(received.bytes);
        resume();
    }
}

void Session::Impl::resume() {
    if (!input_.empty()) {
        input_.consume(consume(input_.view()));
    }
}

std::size_t Session::Impl::consume(std::string_view bytes) {
    std::size_t used = 0;
    while (used < bytes.size() && asked_ == Asked::kNothing && state_ != State::kClosed) {
        const auto count = consume_some(bytes.substr(used));
        if (count == 0) {
            break;
        }
        used += count;
    }
    // What came in clear text behind STARTTLS may be anybody's (RFC 3207 6): it is dropped.
    return asked_ == Asked::kTls || state_ == State::kClosed ? bytes.size() : used;
}

std::size_t Session::Impl::consume_some(std::string_view bytes) {
    if (state_ == State::kData) {
        return on_data_octets(bytes.substr(0, kPieceMax));
    }
    if (state_ == State::kChunk) {
        return on_chunk_octets(bytes.substr(0, kPieceMax));
    }
    return consume_line(bytes);
}

std::size_t Session::Impl::consume_line(std::string_view bytes) {
    const bool sasl = state_ != State::kCommand;
    const bool auth = sasl || istarts_with(bytes, "AUTH ");
    const auto line = lines_.next(bytes, auth ? kAuthLineMax : kLineMax);
    if (line.kind == CommandLines::Kind::kIncomplete) {
        return line.consumed;
    }
    rearm();
    if (line.kind == CommandLines::Kind::kLine) {
        if (sasl) {
            on_sasl_line(line.text);
        } else {
            dispatch(parse_command(line.text));
        }
        return line.consumed;
    }
    const bool bare = line.kind == CommandLines::Kind::kBareLineFeed;
    const auto& why = bare                         ? replies::kBareLineFeed
                      : line.limit == kAuthLineMax ? replies::kAuthLineTooLong
                                                   : replies::kLineTooLong;
    if (sasl) {
        abort_sasl(why);
    } else {
        refuse(why);
    }
    return line.consumed;
}

// ---- what is said

void Session::Impl::flush() {
    if (!out_.empty()) {
        actions_.emplace_back(Send{std::exchange(out_, {})});
    }
}

void Session::Impl::ask(Action question, Asked what) {
    flush();
    actions_.push_back(std::move(question));
    asked_ = what;
}

// Whether an answer belongs to the question that is open.
bool Session::Impl::answered(Asked what) {
    if (asked_ != what) {
        return false;
    }
    asked_ = Asked::kNothing;
    rearm();
    return true;
}

void Session::Impl::note(Note::Level level, std::string event, std::string detail) {
    flush();
    actions_.emplace_back(Note{level, std::move(event), std::move(detail)});
}

void Session::Impl::refuse(const Reply& why) {
    reply(why);
    if (why.permanent()) {
        count_error();
    }
}

// For a command whose predecessor was refused: pipelining (RFC 2920) makes many of them.
void Session::Impl::misplaced(const Reply& why) {
    reply(why);
    count_idle();
}

void Session::Impl::count_idle() {
    if (++idle_commands_ > kIdleCommands + options_.recipients) {
        count_error();
    }
}

void Session::Impl::count_error() {
    if (++errors_ >= options_.errors && state_ != State::kClosed) {
        note(Note::Level::kWarn, "too_many_errors", "");
        say_goodbye(replies::kTooManyErrors);
    }
}

// ---- the end

void Session::Impl::give_up() {
    flush();
    const bool sasl = asked_ == Asked::kSasl || state_ == State::kSaslResponse;
    if (sasl) {
        actions_.emplace_back(SaslAbort{});
    }
    if (transaction_ && transaction_->intake) {
        transaction_->intake->discard(actions_);
    }
}

void Session::Impl::say_goodbye(const Reply& why) {
    give_up();
    append_reply(out_, why, options_.host_name);
    close();
}

void Session::Impl::close() {
    state_ = State::kClosed;
    transaction_.reset();
}

void Session::Impl::on(const PeerClosed&) {
    give_up();
    close();
}

void Session::Impl::shut_down(Shutdown::Why why) {
    switch (why) {
        case Shutdown::Why::kServerStops:
            return say_goodbye(replies::kShutdown);
        case Shutdown::Why::kOperator:
            return say_goodbye(replies::kEndedByOperator);
        case Shutdown::Why::kAccountClosed:
            return say_goodbye(replies::kAccountClosed);
    }
}

// A message that is being stored is answered first: otherwise the client would send it again.
void Session::Impl::on(const Shutdown& shutdown) {
    if (asked_ == Asked::kDeliver) {
        shutting_down_ = shutdown;
    } else if (asked_ == Asked::kTls) {
        close();
    } else {
        shut_down(shutdown.why);
    }
}

}  // namespace quorate::mail::smtp
