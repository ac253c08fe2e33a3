#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.hpp"

// Shapes shared by the SMTP, IMAP and POP3 machines.
//
// A protocol session is a machine without socket, clock or thread:
//
//     std::vector<Action> start(MonoTime now);               once, first
//     std::vector<Action> step(MonoTime now, Input input);   for everything that happens
//     std::optional<MonoTime> deadline() const;              when it wants TimerExpired, read again
//     after each step
//
// Action and Input are variants of each protocol's own; the alternatives below are the common ones.
// Actions are carried out in order. Some actions are questions (StartTls, SaslStart, SaslRespond,
// and each protocol's Execute, Resolve, Deliver): they are last in their vector, and until the
// answer has come in, the shell delivers no Received, only the answer, TimerExpired, PeerClosed or
// Shutdown. Bytes that arrived together with the question stay in the machine and are handled after
// the answer.
//
// Thread rule: one caller at a time. Two texts: what the peer is told is in Send; what the log gets
// is in Note.
namespace quorate::mail {

struct Peer {
    std::string address;  // "192.0.2.1", "2001:db8::1", "unix"
    std::uint16_t port = 0;
    std::string local_address;
    std::uint16_t local_port = 0;
    bool loopback =
        false;  // loopback address or Unix socket: what `cleartext_on_loopback` speaks of
};

struct TlsInfo {
    std::string protocol;  // "TLSv1.3"
    std::string cipher;    // "TLS_AES_256_GCM_SHA384"
};

// ---- actions

struct Send {
    std::string bytes;
};
// Question: when all bytes sent before are out, start TLS as the server. Answer: TlsStarted, or
// PeerClosed when it failed.
struct StartTls {};
// Questions of the SASL exchange (RFC 4422). Bytes are decoded from base64 already. Answer:
// SaslOutcome.
struct SaslStart {
    std::string mechanism;  // upper case, one that was offered
    std::optional<std::string> initial_response;
};
struct SaslRespond {
    std::string response;
};
// The client gave up ("*") or the machine refused the response: drop the exchange, no answer.
struct SaslAbort {};
// Octets of a message that is being received, in order. Not a question, but the shell may take its
// time: it keeps them in memory up to a limit and in a file of the store beyond. The question that
// follows (Deliver, Execute of an APPEND) consumes what was collected.
struct BodyData {
    std::string bytes;
};
// What was collected is not wanted.
struct BodyDiscard {};
// Write everything, then close. Nothing follows it.
struct Close {};
// For the log: an event word and key=value text, already safe to print.
struct Note {
    enum class Level { kInfo, kWarn } level = Level::kInfo;
    std::string event;
    std::string detail;
};

// ---- inputs

// The view is valid during the call only.
struct Received {
    std::string_view bytes;
};
struct TlsStarted {
    TlsInfo tls;
};
struct SaslOutcome {
    enum class Kind {
        kChallenge,    // `text` goes to the client (base64-encoded by the machine)
        kSuccess,      // `text` is the account's address; `extra` the server's last word, if the
                       // mechanism has one (RFC 4422 3.6)
        kFailure,      // credentials refused; the shell has already delayed the answer
        kUnavailable,  // could not be checked now: temporary failure
    } kind = Kind::kFailure;
    std::string text;
    std::string extra;
    std::uint64_t account = 0;  // store::AccountId when kSuccess
};
struct TimerExpired {};
// The peer closed or the connection broke. The machine answers with no Send; pending work is
// dropped.
struct PeerClosed {};
// The session is ended from elsewhere: say so as the protocol does (421, BYE), then Close.
struct Shutdown {
    enum class Why {
        kServerStops,
        kOperator,       // this session alone
        kAccountClosed,  // disabled or removed
    } why = Why::kServerStops;
};

// What a listener lets a session do. One per listener, shared by its sessions.
struct SessionPolicy {
    bool tls_available = false;  // STARTTLS/STLS may be offered
    bool tls_required_for_auth =
        true;  // no clear-text mechanism before TLS (loopback exception applied by the shell)
    bool implicit_tls = false;  // the session starts inside TLS
};

}  // namespace quorate::mail
