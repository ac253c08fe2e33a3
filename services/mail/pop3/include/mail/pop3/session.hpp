#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "mail/session/session.hpp"
#include "mail/store/types.hpp"

// The server's side of POP3 (RFC 1939) with CAPA and RESP-CODES (RFC 2449), STLS (RFC 2595), SASL
// (RFC 5034): a machine as mail/session/session.hpp describes it.
namespace quorate::mail::pop3 {

struct Options {
    std::string host_name;
    std::string implementation;  // CAPA IMPLEMENTATION
    SessionPolicy policy;
    std::vector<std::string> mechanisms_clear;
    std::vector<std::string> mechanisms_tls;
    std::size_t errors = 20;         // refused commands, then the session ends
    std::chrono::seconds idle{600};  // RFC 1939 3: at least ten minutes
    std::chrono::seconds before_login{60};
};

// ---- questions

// After authentication: lock the account's maildrop for this session and list INBOX. Answer:
// MaildropOpened. The lock ends with the session.
struct OpenMaildrop {};
struct MaildropOpened {
    enum class Kind {
        kOk,
        kInUse,      // another POP3 session has it: -ERR [IN-USE]
        kTooMany,    // -ERR [SYS/TEMP] too many sessions
        kTemporary,  // -ERR [SYS/TEMP]
    } kind = Kind::kOk;
    struct Item {
        store::Uid uid = 0;
        store::BodyId body;
        // Octets as stored: what STAT and LIST tell. RETR gives as many, byte-stuffing aside, when
        // lines end in CRLF, the last one included, as in all mail that came by SMTP or LMTP. A
        // line feed alone goes out as CRLF, and a missing last line end is added (RFC 1939 3, 11):
        // one octet and two more than told.
        std::uint32_t size = 0;
    };
    std::uint32_t uid_validity = 0;  // UIDL is "<uidvalidity>.<uid>"
    std::vector<Item> messages;      // ascending uids
};

// Octets [offset, offset + size) of a body, cut at its end. Answer: BodyRead.
struct ReadBody {
    store::BodyId body;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
};
struct BodyRead {
    bool ok = false;  // false: damaged or gone (the log has why); -ERR, or close in mid-message
    std::string bytes;
};

// At QUIT: removes the messages, all in one transaction, durable. Answer: Removed.
struct RemoveMessages {
    std::vector<store::Uid> uids;
};
struct Removed {
    bool ok = false;
};

using Action = std::variant<Send, StartTls, SaslStart, SaslRespond, SaslAbort, OpenMaildrop,
                            ReadBody, RemoveMessages, Note, Close>;
using Input = std::variant<Received, TlsStarted, SaslOutcome, MaildropOpened, BodyRead, Removed,
                           TimerExpired, PeerClosed, Shutdown>;

// USER/PASS is a SASL PLAIN exchange to the shell (SaslStart with an initial response).
//
// Thread rule: one caller at a time. Limits: command line 255 octets (RFC 2449 4), SASL line
// 12,288. `options` outlives the session.
class Session {
public:
    using Action = pop3::Action;
    using Input = pop3::Input;

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

}  // namespace quorate::mail::pop3
