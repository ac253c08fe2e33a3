#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "command.hpp"
#include "mail/session/line_buffer.hpp"
#include "mail/smtp/session.hpp"
#include "reply.hpp"
#include "trace.hpp"
#include "transaction.hpp"

namespace quorate::mail::smtp {

// The machine. session.cpp has inputs, time and the flow of octets; the other session_*.cpp have
// the commands.
struct Session::Impl {
public:
    Impl(const Options& options, Start start)
        : options_(options), start_(std::move(start)), tls_(start_.tls) {}

    std::vector<Action> start(MonoTime now);
    std::vector<Action> step(MonoTime now, Input input);
    std::optional<MonoTime> deadline() const;

private:
    enum class State {
        kCommand,
        kSaslResponse,  // the client owes an answer to a challenge
        kSaslLastWord,  // credentials are good; the client owes an empty line (RFC 4422 3.6)
        kData,
        kChunk,
        kClosed,
    };
    enum class Asked { kNothing, kTls, kSasl, kResolve, kDeliver };
    enum class Hello { kNone, kHelo, kExtended };

    // ---- session.cpp: inputs
    void on(const Received& received);
    void on(const TlsStarted& started);
    void on(const SaslOutcome& outcome);
    void on(const Resolved& resolved);
    void on(const Delivered& delivered);
    void on(const TimerExpired& expired);
    void on(const PeerClosed& closed);
    void on(const Shutdown& shutdown);

    std::size_t consume(std::string_view bytes);
    std::size_t consume_some(std::string_view bytes);
    std::size_t consume_line(std::string_view bytes);
    void resume();
    std::vector<Action> take_actions();
    void rearm();
    bool answered(Asked what);

    void reply(const Reply& reply) { append_reply(out_, reply); }
    void refuse(const Reply& reply);  // counts
    void misplaced(const Reply& reply);
    void count_idle();
    void count_error();
    void flush();
    void ask(Action question, Asked what);
    void note(Note::Level level, std::string event, std::string detail);
    void give_up();
    void say_goodbye(const Reply& reply);
    void shut_down(Shutdown::Why why);
    void close();

    bool submission() const { return options_.role == Role::kSubmission; }
    bool lmtp() const { return options_.role == Role::kLmtp; }
    bool in_tls() const { return tls_ || options_.policy.implicit_tls; }
    WallTime wall_now() const { return start_.wall + (now_ - start_.mono); }

    // ---- session_commands.cpp
    void dispatch(const Command& command);
    void on_hello(Verb verb, std::string_view name);
    void greet_extended();
    void on_simple(const Reply& answer);
    void on_vrfy(std::string_view argument);
    void on_starttls(std::string_view argument);
    void on_quit(std::string_view argument);
    void on_reset(std::string_view argument);
    void end_transaction();

    // ---- session_auth.cpp
    void on_auth(std::string_view argument);
    std::optional<Reply> auth_obstacle() const;
    void on_sasl_line(std::string_view line);
    void abort_sasl(const Reply& reply);
    void authenticated();
    bool auth_offered() const;
    const std::vector<std::string>& mechanisms() const;

    // ---- session_mail.cpp
    void on_mail(std::string_view argument);
    std::optional<Reply> mail_obstacle() const;
    void on_rcpt(std::string_view argument);
    void on_data(std::string_view argument);
    void on_bdat(std::string_view argument);
    std::optional<Reply> content_obstacle() const;
    void open_intake();
    Transport transport() const;

    // ---- session_content.cpp
    std::size_t on_data_octets(std::string_view bytes);
    std::size_t on_chunk_octets(std::string_view bytes);
    void end_chunk();
    void note_defect(Defect defect);
    void end_message();
    void answer_message(const std::vector<Reply>& replies, const std::string& queue_id);
    void answer_all(const Reply& reply);

    const Options& options_;
    Start start_;
    MonoTime now_{};
    MonoTime timer_{};
    MonoTime auth_timer_{};

    State state_ = State::kCommand;
    Asked asked_ = Asked::kNothing;
    std::optional<Shutdown> shutting_down_;
    InputBuffer input_;
    CommandLines lines_;
    std::string out_;
    std::vector<Action> actions_;

    Hello hello_ = Hello::kNone;
    std::string hello_name_;
    std::optional<TlsInfo> tls_;
    std::optional<std::string> user_;
    std::string sasl_mechanism_;
    std::string sasl_user_;  // until the client has seen the last word

    std::optional<Transaction> transaction_;
    Transaction::Recipient asked_recipient_;
    std::uint64_t chunk_left_ = 0;
    bool chunk_last_ = false;
    std::optional<Reply> chunk_refusal_;  // its octets are swallowed, then this is said

    std::size_t mails_ = 0;
    std::size_t errors_ = 0;
    std::size_t idle_commands_ = 0;  // since the last message that was accepted
};

}  // namespace quorate::mail::smtp
