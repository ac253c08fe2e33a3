#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "mail/imap/command.hpp"
#include "mail/session/session.hpp"

// The server's side of an IMAP4rev1 connection (RFC 3501): a machine as mail/session/session.hpp
// describes it. It reads and checks commands and answers what needs no mailbox; the rest goes to an
// Executor (executor.hpp) as a parsed Command.
namespace quorate::mail::imap {

struct Options {
    std::string host_name;
    std::string implementation;  // ID's name; ID also tells a version after login
    std::string version;
    SessionPolicy policy;
    std::vector<std::string> mechanisms_clear;
    std::vector<std::string> mechanisms_tls;
    std::uint64_t append_bytes = 50ULL << 20;  // APPENDLIMIT
    std::size_t command_bytes = 64 * 1024;     // with its literals, APPEND's message excepted
    std::size_t command_bytes_before_login = 8 * 1024;
    std::size_t errors = 50;                // BAD answers in a row, then BYE
    std::chrono::seconds idle{1800};        // RFC 3501 5.4: at least 30 minutes
    std::chrono::seconds before_login{60};  // in all
    std::chrono::seconds literal{300};      // between two pieces of a literal
};

// Question: run the command on the account; its responses, the tagged line included, are sent by
// the shell. Answer: Executed. (AppendCheck: sends nothing when it accepts.)
struct Execute {
    std::unique_ptr<Command> command;
};
struct Executed {
    // After every command: what the session has selected now.
    enum class Selected { kNone, kReadOnly, kReadWrite } selected = Selected::kNone;
    bool ok = true;   // false: answered NO or BAD
    std::string bye;  // not empty: the session cannot go on; the machine says BYE with this and
                      // closes
};
// The account of the session changed under it; of interest in IDLE.
struct Changed {};

using Action = std::variant<Send, StartTls, SaslStart, SaslRespond, SaslAbort, BodyData,
                            BodyDiscard, Execute, Note, Close>;
using Input = std::variant<Received, TlsStarted, SaslOutcome, Executed, Changed, TimerExpired,
                           PeerClosed, Shutdown>;

// LOGIN is a SASL PLAIN exchange to the shell (SaslStart with an initial response).
//
// Shutdown while an Execute is open: BYE follows its answer, because responses may be half sent.
// Changed counts in IDLE only, also while the answer to a Poll is awaited.
//
// Thread rule: one caller at a time. Limits: Options; 100 commands and 10 refused credentials
// before login, SASL lines of 12,288 octets, tags of 255. Literals that come without being asked
// for and are not wanted are swallowed up to 4 * append_bytes (8 * command_bytes_before_login
// before login), then BYE. An idle session costs less than 2 KiB. `options` outlives the session.
class Session {
public:
    using Action = imap::Action;
    using Input = imap::Input;

    Session(const Options& options, Peer peer, MonoTime now);
    ~Session();
    Session(Session&&) noexcept;
    Session& operator=(Session&&) noexcept;

    std::vector<Action> start(MonoTime now);
    std::vector<Action> step(MonoTime now, Input input);
    std::optional<MonoTime> deadline() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace quorate::mail::imap
