// Conversations with the IMAP session machine, and what its parser makes of single commands.
//
// conversation [tls] [clear] [no-starttls] [KEY=NUMBER ...]
//     tls: TLS from the first octet. clear: passwords are accepted without TLS. no-starttls: TLS is
//     not to be had. Numbers: append, command, command-before-login, errors.
//     Questions: "? execute TAG COMMAND", answered by
//       ok | no              the selected mailbox stays as it is
//       selected | read-only | unselected
//       bye TEXT             the session cannot go on
//     Event: "> changed".
// parse [not-authenticated | authenticated]
//     one command, selected state otherwise: what it means, or why not.
// serve
//     lines "NAME: octets" of connections to a server with a real store (server.hpp), which lasts
//     for the file.

#include <memory>
#include <optional>
#include <string>

#include "describe_command.hpp"
#include "mail/imap/session.hpp"
#include "request.hpp"
#include "server.hpp"
#include "support/conversation.hpp"
#include "support/octets.hpp"

namespace quorate::support {
namespace {

namespace imap = mail::imap;

std::size_t number_or(const ScriptCommand& command, std::string_view key, std::size_t otherwise) {
    const auto text = command.value(key);
    return text ? static_cast<std::size_t>(std::stoull(*text)) : otherwise;
}

struct ImapAdapter {
    using Machine = imap::Session;

    explicit ImapAdapter(const ScriptCommand& command) {
        options.host_name = "mail.example.test";
        options.implementation = "Quorate";
        options.version = "0.1";
        options.policy.tls_available = !command.has("no-starttls");
        options.policy.implicit_tls = command.has("tls");
        options.policy.tls_required_for_auth = !command.has("clear");
        options.mechanisms_clear = {"SCRAM-SHA-256"};
        if (command.has("clear")) {
            options.mechanisms_clear = {"SCRAM-SHA-256", "PLAIN", "LOGIN"};
        }
        options.mechanisms_tls = {"SCRAM-SHA-256", "PLAIN", "LOGIN"};
        options.append_bytes = number_or(command, "append", options.append_bytes);
        options.command_bytes = number_or(command, "command", options.command_bytes);
        options.command_bytes_before_login =
            number_or(command, "command-before-login", options.command_bytes_before_login);
        options.errors = number_or(command, "errors", options.errors);
    }

    Machine make(const FakeClock& clock) {
        return imap::Session(options, mail::Peer{"192.0.2.1", 40000, "192.0.2.2", 143, false},
                             clock.mono());
    }

    std::string describe(const imap::Execute& question) {
        const auto& tag = question.command->tag;
        return "execute " + (tag.empty() ? "-" : tag) + " " + imap::describe(*question.command);
    }

    std::optional<Machine::Input> answer(const imap::Execute&, std::string_view text) {
        using Selected = imap::Executed::Selected;
        const auto [word, rest] = first_word(text);
        if (word == "selected") {
            selected = Selected::kReadWrite;
        } else if (word == "read-only") {
            selected = Selected::kReadOnly;
        } else if (word == "unselected") {
            selected = Selected::kNone;
        } else if (word != "ok" && word != "no" && word != "bye") {
            return std::nullopt;
        }
        imap::Executed executed;
        executed.selected = selected;
        executed.ok = word != "no";
        executed.bye = word == "bye" ? std::string(rest) : std::string();
        return executed;
    }

    std::optional<Machine::Input> event(std::string_view text) {
        return text == "changed" ? std::optional<Machine::Input>(imap::Changed{}) : std::nullopt;
    }

    imap::Options options;
    imap::Executed::Selected selected = imap::Executed::Selected::kNone;
};

struct RequestDescriber {
    std::string operator()(const imap::CapabilityRequest&) const { return "capability"; }
    std::string operator()(const imap::LogoutRequest&) const { return "logout"; }
    std::string operator()(const imap::StartTlsRequest&) const { return "starttls"; }
    std::string operator()(const imap::IdleRequest&) const { return "idle"; }
    std::string operator()(const imap::NamespaceRequest&) const { return "namespace"; }
    std::string operator()(const imap::EnableRequest& enable) const {
        std::string out = "enable";
        for (const auto capability : enable.capabilities) {
            out += " " + std::string(capability);
        }
        return out;
    }
    std::string operator()(const imap::IdRequest& id) const {
        std::string out = "id";
        for (const auto& [name, value] : id.fields) {
            out += " " + imap::describe_text(name) + "=" + imap::describe_text(value);
        }
        return out;
    }
    std::string operator()(const imap::LoginRequest& login) const {
        return "login " + imap::describe_text(login.user) + " " +
               imap::describe_text(login.password);
    }
    std::string operator()(const imap::AuthenticateRequest& authenticate) const {
        return "authenticate " + authenticate.mechanism +
               (authenticate.initial ? " " + std::string(*authenticate.initial) : "");
    }
    std::string operator()(const imap::Work& work) const {
        return std::visit(imap::CommandDescriber{}, work);
    }
};

std::string describe(const imap::Request& request) {
    if (!request.failure) {
        return std::visit(RequestDescriber{}, request.what);
    }
    const auto& failure = *request.failure;
    const auto code = failure.code.empty() ? "" : " [" + std::string(failure.code) + "]";
    return std::string(failure.no ? "NO" : "BAD") + code + " octet " +
           std::to_string(failure.octet) + ": " + std::string(failure.what);
}

imap::State state_of(const ScriptCommand& command) {
    if (command.has("not-authenticated")) {
        return imap::kNotAuthenticated;
    }
    return command.has("authenticated") ? imap::kAuthenticated : imap::kSelected;
}

// Each line of the body is a command without its tag.
std::string parse(const ScriptCommand& command) {
    std::string out;
    std::string_view rest = command.body;
    while (!rest.empty()) {
        const auto end = std::min(rest.find('\n'), rest.size());
        const auto line = unescape_octets(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        out += line ? describe(imap::parse_request("a " + *line, state_of(command))) : "not octets";
        out += '\n';
    }
    return out;
}

}  // namespace

ScriptHandler make_script_handler() {
    return [server = std::shared_ptr<ImapServer>()](const ScriptCommand& command) mutable {
        if (command.verb == "conversation") {
            return run_conversation<ImapAdapter>(command);
        }
        if (command.verb == "serve") {
            // Shared because a std::function must be copyable.
            server = server ? server : std::make_shared<ImapServer>();
            return server->run(command.body);
        }
        return command.verb == "parse" ? parse(command) : unknown_verb(command);
    };
}

}  // namespace quorate::support
