#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "mail/session/session.hpp"

// The server's side of SMTP (RFC 5321), message submission (RFC 6409) and LMTP (RFC 2033): a
// machine as mail/session/session.hpp describes it. A session that is told Shutdown while a Deliver
// is open waits for Delivered, answers the message, and only then says 421 and Close.
namespace quorate::mail::smtp {

enum class Role {
    kReceive,     // mail for this site from anybody; no relay
    kSubmission,  // from authenticated users
    kLmtp,        // from a trusted peer; one answer per recipient
};

struct Options {
    Role role = Role::kReceive;
    std::string host_name;  // in the greeting, EHLO and Received
    SessionPolicy policy;
    // What AUTH offers, strongest first, as auth::sasl_mechanisms() gives them.
    std::vector<std::string> mechanisms_clear;  // before TLS
    std::vector<std::string> mechanisms_tls;
    std::uint64_t message_bytes = 50ULL << 20;  // SIZE
    std::size_t recipients = 1000;              // RCPTMAX; RFC 5321 4.5.3.1.8: at least 100
    std::size_t mails = 1000;                   // MAILMAX: messages per session
    std::size_t received_hops = 50;             // loop guard: more Received fields are refused
    std::size_t errors = 20;                    // refused commands, then 421
    std::size_t header_bytes = 256 * 1024;
    std::chrono::seconds command{300};          // RFC 5321 4.5.3.2
    std::chrono::seconds data{600};             // between two pieces of a message
    std::chrono::seconds greeting_to_auth{60};  // submission: until authenticated
};

// ---- questions

// What a recipient means here: asked at RCPT. Answer: Resolved.
struct Resolve {
    std::string address;  // "local@domain", "postmaster" without domain
    std::uint64_t declared_size =
        0;  // MAIL's SIZE=, 0 if absent: so that a full mailbox is told now
};
struct Resolved {
    enum class Kind {
        kOk,
        kNotLocal,     // 550 5.7.1 / submission: 550 5.7.1, no outgoing mail here
        kUnknownUser,  // 550 5.1.1
        kDisabled,     // 550 5.2.1
        kOverQuota,    // 452 4.2.2
        kTryLater,     // 451 4.3.0: the store cannot say
    } kind = Kind::kOk;
};

// Deliver the body collected by BodyData (which begins with the Return-Path and Received fields
// that the machine made) to all recipients. Answer: Delivered. For SMTP all or none get it: a
// client that is told to come back must not make doubles. For LMTP each stands for itself.
struct Deliver {
    std::string sender;                   // empty: null reverse-path
    std::vector<std::string> recipients;  // as they were resolved, in order
    std::uint64_t size = 0;               // octets of the body
    bool all_or_none = true;
};
struct Delivered {
    enum class Kind {
        kOk,           // durable
        kUnknownUser,  // removed since RCPT
        kOverQuota,    // 452 4.2.2
        kVolumeFull,   // 452 4.3.1
        kUnavailable,  // 451 4.3.0
    };
    std::vector<Kind> outcomes;  // one per recipient, in order; all the same when all_or_none
    std::string queue_id;        // for the answer's text and the log
};

using Action = std::variant<Send, StartTls, SaslStart, SaslRespond, SaslAbort, BodyData,
                            BodyDiscard, Resolve, Deliver, Note, Close>;
using Input = std::variant<Received, TlsStarted, SaslOutcome, Resolved, Delivered, TimerExpired,
                           PeerClosed, Shutdown>;

// Thread rule: one caller at a time. Limits: command line 4,096 octets (RFC 5321 4.5.3.1.4 asks 512
// and extensions more), AUTH line 12,288, text line 998 + CRLF is not enforced; everything else
// from Options. `options` outlives the session.
class Session {
public:
    using Action = smtp::Action;
    using Input = smtp::Input;

    // `id` is in Received and the log: unique in the node. `wall_at_start` and `mono_at_start` tie
    // the two clocks: Received needs a date.
    struct Start {
        Peer peer;
        std::string id;
        WallTime wall;
        MonoTime mono;
        std::optional<TlsInfo> tls = std::nullopt;  // of a session that starts inside TLS
    };
    Session(const Options& options, Start start);
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

}  // namespace quorate::mail::smtp
