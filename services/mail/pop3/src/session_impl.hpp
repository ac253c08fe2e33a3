#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "command.hpp"
#include "mail/pop3/session.hpp"
#include "mail/session/line_buffer.hpp"
#include "maildrop.hpp"
#include "message_encoder.hpp"

namespace quorate::mail::pop3 {

// Commands are taken from the buffer one by one while no question is open. Handlers append to
// `out_`; whatever asks a question sets `waiting_` and is the last to append.
struct Session::Impl {
    Impl(const Options& options, MonoTime now);

    std::vector<Action> start();
    std::vector<Action> step(MonoTime now, Input input);
    std::optional<MonoTime> deadline() const;

private:
    // RFC 1939 3. UPDATE is the answer to QUIT.
    enum class State { kAuthorization, kTransaction, kClosed };
    // The question that is open.
    enum class Waiting { kNothing, kTls, kSasl, kMaildrop, kBody, kRemoval };
    // What the next line is.
    enum class Expecting { kCommand, kSaslResponse, kSaslEmptyResponse };

    // ---- session.cpp
    void take(Received& received);
    void take(TimerExpired&);
    void take(PeerClosed&);
    void take(Shutdown& shutdown);
    void run();
    std::optional<std::string> next_line();
    std::size_t line_max() const;
    void refuse_long_line();
    void handle_line(const std::string& line);
    void handle_command(const Command& command);
    void ok(std::string_view text = {});
    // Refused: the command was understood, but not now or not so.
    void err(std::string_view text);
    // Refused and counted: too many of these end the session.
    void fault(std::string_view text);
    void note(Note::Level level, std::string event, std::string detail);
    void close();

    // ---- authorization.cpp
    bool authorization_command(const Command& command);
    void capa(const Command& command);
    void user(const Command& command);
    void pass(const Command& command);
    void auth(const Command& command);
    void stls(const Command& command);
    void sasl_response(const std::string& line);
    void sasl_empty_response(const std::string& line);
    void take(TlsStarted&);
    void take(SaslOutcome& outcome);
    void take(MaildropOpened& opened);
    void start_sasl(std::string mechanism, std::optional<std::string> initial);
    void open_maildrop();
    std::vector<std::string> mechanisms() const;
    bool offers(std::string_view mechanism) const;

    // ---- transaction.cpp
    bool transaction_command(const Command& command);
    void answer_at_once(const Command& command);
    void list(const Command& command, bool unique_ids);
    void retr(const Command& command);
    void top(const Command& command);
    void dele(const Command& command);
    void quit(const Command& command);
    void fetch(std::uint64_t number, std::optional<std::uint64_t> body_lines);
    void read_more();
    void send_piece(std::string_view bytes);
    void take(BodyRead& read);
    void take(Removed& removed);
    void say_good_bye();

    const Options& options_;
    MonoTime now_;
    State state_ = State::kAuthorization;
    Waiting waiting_ = Waiting::kNothing;
    Expecting expecting_ = Expecting::kCommand;
    bool tls_;
    bool skipping_line_ = false;  // the rest of a line that was too long
    MonoTime deadline_;
    std::size_t faults_ = 0;
    std::size_t commands_ = 0;  // before login
    InputBuffer input_;
    std::vector<Action> out_;

    std::string user_;       // USER's, until the next command
    std::string mechanism_;  // of the exchange, for the log
    std::string account_;    // once known

    Maildrop maildrop_;
    struct Transfer {
        store::BodyId body;
        std::uint64_t size = 0;
        std::uint64_t offset = 0;  // of the next piece
        std::uint64_t asked = 0;   // size of the piece asked for
        bool whole = true;         // RETR
        MessageEncoder encoder;
    };
    std::optional<Transfer> transfer_;
    std::uint64_t retrieved_ = 0;
};

}  // namespace quorate::mail::pop3
