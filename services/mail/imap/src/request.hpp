#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "lexer.hpp"
#include "mail/imap/command.hpp"

namespace quorate::mail::imap {

// RFC 3501 3: where a command is valid.
enum State : unsigned { kNotAuthenticated = 1, kAuthenticated = 2, kSelected = 4 };

// Commands that the session answers itself.
struct CapabilityRequest {};
struct LogoutRequest {};
struct StartTlsRequest {};
struct IdleRequest {};
struct NamespaceRequest {};
struct EnableRequest {
    std::vector<std::string_view> capabilities;
};
// RFC 2971; NIL as a value is the empty text.
struct IdRequest {
    std::vector<std::pair<std::string, std::string>> fields;
};
struct LoginRequest {
    std::string user;
    std::string password;
};
struct AuthenticateRequest {
    std::string mechanism;                    // upper case
    std::optional<std::string_view> initial;  // RFC 4959, still base64, or "="
};
// Commands for the Executor. Never AppendCheck, Append or Poll.
using Work = decltype(Command::what);

// A command that was read. Views are into its text, `name` is static.
struct Request {
    std::string_view tag;   // empty when there was none that could be read
    std::string_view name;  // "UID FETCH"; empty: unknown
    std::variant<CapabilityRequest, LogoutRequest, StartTlsRequest, IdleRequest, NamespaceRequest,
                 EnableRequest, IdRequest, LoginRequest, AuthenticateRequest, Work>
        what;
    std::optional<Failure> failure;  // then `what` means nothing
};

// `text` is the command without its final line end. A pure function; time and memory are linear in
// the text.
Request parse_request(std::string_view text, State state);

// Tag and name of a command of which only a beginning is there, to tell whether it is worth
// inviting its literals.
Request parse_head(std::string_view text, State state);

// An APPEND up to the announcement of a literal, with which `text` ends (its line end included).
struct AppendHead {
    enum class Kind {
        kMessage,         // the message is announced
        kMailboxLiteral,  // the mailbox's name is
        kFailure,
    } kind = Kind::kFailure;
    Append append;
    LiteralHeader message;
    Failure failure;
};
AppendHead parse_append_head(std::string_view text);

}  // namespace quorate::mail::imap
