#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "capabilities.hpp"
#include "command_reader.hpp"
#include "mail/imap/session.hpp"
#include "mail/session/line_buffer.hpp"
#include "request.hpp"

namespace quorate::mail::imap {

// The machine. An idle session is this object and a few allocations of tens of octets: what a
// command needs lives for that command.
//
// Octets are handled where they arrived; only what cannot be handled yet (a command in pieces, all
// that came behind a question) goes into the buffer.
struct Session::Impl {
public:
    Impl(const Options& options, MonoTime now)
        : options_(options), tls_(options.policy.implicit_tls), began_(now), last_input_(now) {}

    void greet();
    void receive(std::string_view octets);
    void answer(const TlsStarted& started);
    void answer(const SaslOutcome& outcome);
    void answer(const Executed& executed);
    void account_changed();
    void timer_expired(MonoTime now);
    void peer_closed();
    void shut_down(const Shutdown& shutdown);
    std::optional<MonoTime> deadline() const;

    void note_time(MonoTime now) { last_input_ = now; }
    bool is_closed() const { return phase_ == Phase::kClosed; }
    std::vector<Action> take_actions() { return std::exchange(actions_, {}); }

private:
    // What the next octet from the client belongs to.
    enum class Phase : std::uint8_t {
        kCommand,
        kSasl,        // a response of the client (RFC 3501 6.2.2)
        kSaslFinal,   // the empty response to the server's last word
        kIdle,        // DONE
        kMessage,     // octets of an APPEND
        kMessageEnd,  // the line end behind them
        kSwallow,     // what is left of a command that was answered already
        kClosed,
    };
    enum class Question : std::uint8_t { kNone, kTls, kSasl, kExecute };
    enum class Executing : std::uint8_t { kCommand, kAppendCheck, kPoll };

    // ---- octets (session.cpp, session_swallow.cpp). Each take_ returns how many octets it
    // handled, nothing when it needs more of them.
    void handle_buffered();
    std::size_t handle(std::string_view input);
    std::optional<std::size_t> take(std::string_view input);
    std::optional<std::size_t> take_command(std::string_view input);
    std::optional<std::size_t> take_too_long(std::string_view input);
    std::size_t take_literal(std::string_view text);
    std::size_t accept_literal(std::string_view text, const Request& head);
    std::size_t give_up(std::string_view text);
    std::optional<std::size_t> take_line(std::string_view input);
    void handle_line(std::optional<std::string_view> line);
    std::size_t command_limit() const;
    std::uint64_t swallow_limit() const;
    void swallow(std::uint64_t octets);
    void count_swallowed(std::uint64_t octets);
    std::optional<std::size_t> take_swallowed(std::string_view input);

    // ---- commands (session_commands.cpp)
    void command(std::string_view text);
    void refuse(const Request& request);
    void perform(const Request& request, CapabilityRequest&);
    void perform(const Request& request, LogoutRequest&);
    void perform(const Request& request, StartTlsRequest&);
    void perform(const Request& request, IdleRequest&);
    void perform(const Request& request, NamespaceRequest&);
    void perform(const Request& request, EnableRequest&);
    void perform(const Request& request, IdRequest& id);
    void perform(const Request& request, Work& work);
    void execute(Executing executing, std::unique_ptr<Command> command);
    void poll();
    void end_idle(bool done);

    // ---- authentication (session_login.cpp)
    void perform(const Request& request, LoginRequest& login);
    void perform(const Request& request, AuthenticateRequest& authenticate);
    void refuse_login(const Request& request);
    bool is_mechanism_offered(const Request& request, std::string_view mechanism);
    void start_sasl(const Request& request, SaslStart start);
    void sasl_line(std::optional<std::string_view> line);
    void sasl_final_line(std::optional<std::string_view> line);
    void sasl_cancelled(std::string_view what);
    void sasl_succeeded(const SaslOutcome& outcome);
    void sasl_failed(std::string_view code, std::string_view what);
    void logged_in();

    // ---- APPEND (session_append.cpp)
    std::size_t take_append_literal(std::string_view text, Request& request);
    void append_checked(bool accepted);
    std::size_t take_message(std::string_view octets);
    void message_end(std::optional<std::string_view> line);
    void give_message_up(std::string_view why);

    // ---- answers
    void send(std::string_view text);
    void send_line(std::initializer_list<std::string_view> words);
    void tagged(std::string_view tag, std::string_view condition, std::string_view text);
    void ok(const Request& request);
    void bad(std::string_view tag, std::string_view text);
    void note(Note::Level level, std::string_view event, std::string detail);
    void bye(std::string_view text);
    void close();
    Standing standing() const { return {tls_, state_ != kNotAuthenticated}; }

    const Options& options_;
    std::vector<Action> actions_;
    InputBuffer buffer_;
    CommandReader reader_;
    Phase phase_ = Phase::kCommand;
    Question question_ = Question::kNone;
    Executing executing_ = Executing::kCommand;
    State state_ = kNotAuthenticated;
    bool tls_;
    bool changed_ = false;                   // during a poll
    std::optional<Shutdown> shutting_down_;  // once the open question is answered
    bool synchronizing_ = true;              // the literal of the APPEND
    MonoTime began_;
    MonoTime last_input_;
    std::uint32_t errors_ = 0;    // BAD in a row
    std::uint32_t refused_ = 0;   // credentials
    std::uint32_t commands_ = 0;  // before login
    std::size_t line_scanned_ = 0;
    std::uint64_t octets_left_ = 0;       // of the message, or to swallow
    std::uint64_t octets_swallowed_ = 0;  // of the command
    std::string tag_;                     // of AUTHENTICATE, LOGIN, IDLE
    std::string mechanism_;
    bool by_login_ = false;            // LOGIN, not AUTHENTICATE
    std::string user_;                 // kSaslFinal
    std::unique_ptr<Command> append_;  // while its message arrives
    bool after_cr_ = false;            // its last octet so far was CR
};

}  // namespace quorate::mail::imap
