// Conversations with the SMTP machine.
//
// conversation [submission | lmtp] [tls] [starttls] [clear] [KEY=NUMBER ...]
//     tls: inside TLS from the first octet. starttls: it is offered. clear: passwords are accepted
//     without TLS. Numbers: size, recipients, mails, errors, hops, header.
//     "? resolve ADDRESS [SIZE]" is answered by ok, not-local, unknown-user, disabled, over-quota
//     or try-later.
//     "? deliver all|each <SENDER> SIZE <RECIPIENT>..." is answered by one of ok, unknown-user,
//     over-quota, volume-full and unavailable for each recipient.

#include <array>
#include <optional>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "base/text.hpp"
#include "mail/smtp/session.hpp"
#include "support/conversation.hpp"

namespace quorate::support {
namespace {

namespace smtp = mail::smtp;

using ResolvedKind = smtp::Resolved::Kind;
using DeliveredKind = smtp::Delivered::Kind;

constexpr std::array<std::pair<std::string_view, ResolvedKind>, 6> kResolved{{
    {"ok", ResolvedKind::kOk},
    {"not-local", ResolvedKind::kNotLocal},
    {"unknown-user", ResolvedKind::kUnknownUser},
    {"disabled", ResolvedKind::kDisabled},
    {"over-quota", ResolvedKind::kOverQuota},
    {"try-later", ResolvedKind::kTryLater},
}};

constexpr std::array<std::pair<std::string_view, DeliveredKind>, 5> kDelivered{{
    {"ok", DeliveredKind::kOk},
    {"unknown-user", DeliveredKind::kUnknownUser},
    {"over-quota", DeliveredKind::kOverQuota},
    {"volume-full", DeliveredKind::kVolumeFull},
    {"unavailable", DeliveredKind::kUnavailable},
}};

template <class Table>
auto find_word(const Table& table, std::string_view word) {
    std::optional<typename Table::value_type::second_type> found;
    for (const auto& [name, kind] : table) {
        if (name == word) {
            found = kind;
        }
    }
    return found;
}

smtp::Options make_options(const ScriptCommand& command) {
    smtp::Options options;
    options.role = command.has("submission") ? smtp::Role::kSubmission
                   : command.has("lmtp")     ? smtp::Role::kLmtp
                                             : smtp::Role::kReceive;
    options.host_name = "mx.example.test";
    options.policy.tls_available = command.has("starttls") || command.has("tls");
    options.policy.implicit_tls = command.has("tls");
    if (command.has("submission")) {
        options.mechanisms_clear = {"SCRAM-SHA-256"};
        options.mechanisms_tls = {"SCRAM-SHA-256", "PLAIN", "LOGIN"};
    }
    if (command.has("clear")) {
        options.mechanisms_clear = options.mechanisms_tls;
    }
    const auto number = [&](std::string_view key, auto& value) {
        if (const auto text = command.value(key)) {
            value = static_cast<std::decay_t<decltype(value)>>(parse_u64(*text).value_or(0));
        }
    };
    number("size", options.message_bytes);
    number("recipients", options.recipients);
    number("mails", options.mails);
    number("errors", options.errors);
    number("hops", options.received_hops);
    number("header", options.header_bytes);
    return options;
}

struct SmtpAdapter {
    using Machine = smtp::Session;

    explicit SmtpAdapter(const ScriptCommand& command) : options(make_options(command)) {}

    Machine make(const FakeClock& clock) {
        smtp::Session::Start start;
        start.peer = mail::Peer{"192.0.2.1", 40000, "192.0.2.2", 25, false};
        start.id = "s1";
        start.wall = clock.wall();
        start.mono = clock.mono();
        if (options.policy.implicit_tls) {
            start.tls = mail::TlsInfo{"TLSv1.3", "TLS_AES_256_GCM_SHA384"};
        }
        return smtp::Session(options, std::move(start));
    }

    std::string describe(const smtp::Resolve& question) {
        return "resolve " + question.address +
               (question.declared_size == 0 ? "" : fmt::format(" {}", question.declared_size));
    }
    std::optional<Machine::Input> answer(const smtp::Resolve&, std::string_view text) {
        const auto kind = find_word(kResolved, text);
        return kind ? std::optional<Machine::Input>(smtp::Resolved{*kind}) : std::nullopt;
    }

    std::string describe(const smtp::Deliver& question) {
        auto text = fmt::format("deliver {} <{}> {}", question.all_or_none ? "all" : "each",
                                question.sender, question.size);
        for (const auto& recipient : question.recipients) {
            text += " <" + recipient + ">";
        }
        return text;
    }
    std::optional<Machine::Input> answer(const smtp::Deliver&, std::string_view text) {
        smtp::Delivered delivered;
        delivered.queue_id = "q1";
        for (const auto word : split(text, ' ')) {
            const auto kind = find_word(kDelivered, word);
            if (!kind) {
                return std::nullopt;
            }
            delivered.outcomes.push_back(*kind);
        }
        return delivered;
    }

    smtp::Options options;
};

}  // namespace

ScriptHandler make_script_handler() {
    return [](const ScriptCommand& command) {
        return command.verb == "conversation" ? run_conversation<SmtpAdapter>(command)
                                              : unknown_verb(command);
    };
}

}  // namespace quorate::support
