// conversation [cleartext] [tls-available] [implicit-tls] [errors=N]
//
// The body has the messages of the maildrop, one per line: the uid, then the octets (escapes as in
// support/octets.hpp), or ?SIZE for a body whose pieces the script gives itself. Answers:
//   open-maildrop    ok | in-use | too-many | temporary
//   read-body        octets OCTETS | damaged           (only for ?SIZE)
//   remove-messages  ok | failed

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "base/text.hpp"
#include "mail/pop3/session.hpp"
#include "support/conversation.hpp"

namespace quorate::support {
namespace {

using namespace mail::pop3;

struct StoredMessage {
    MaildropOpened::Item item;
    std::optional<std::string> octets;
};

std::vector<StoredMessage> parse_messages(const ScriptCommand& command) {
    std::vector<StoredMessage> messages;
    for (const auto line : split(command.body, '\n')) {
        if (line.empty()) {
            continue;
        }
        const auto [uid, content] = first_word(line);
        StoredMessage message;
        message.item.uid = static_cast<mail::store::Uid>(parse_u64(uid).value_or(0));
        message.item.body = mail::store::BodyId(message.item.uid + 100);
        if (content.starts_with('?')) {
            message.item.size =
                static_cast<std::uint32_t>(parse_u64(content.substr(1)).value_or(0));
        } else {
            message.octets = unescape_octets(content);
            EXPECT_TRUE(message.octets) << "bad escape: " << line;
            message.item.size = static_cast<std::uint32_t>(message.octets.value_or("").size());
        }
        messages.push_back(std::move(message));
    }
    return messages;
}

class Pop3Adapter {
public:
    using Machine = Session;

    explicit Pop3Adapter(const ScriptCommand& command) : messages_(parse_messages(command)) {
        options_->host_name = "mail.example.test";
        options_->implementation = "Quorate";
        options_->policy.tls_available = command.has("tls-available");
        options_->policy.implicit_tls = command.has("implicit-tls");
        options_->policy.tls_required_for_auth = !command.has("cleartext");
        options_->mechanisms_clear = {"SCRAM-SHA-256"};
        if (command.has("cleartext")) {
            options_->mechanisms_clear = {"SCRAM-SHA-256", "PLAIN", "LOGIN"};
        }
        options_->mechanisms_tls = {"SCRAM-SHA-256", "PLAIN", "LOGIN"};
        options_->errors = parse_u64(command.value_or("errors", "20")).value_or(0);
    }

    Session make(const FakeClock& clock) { return {*options_, mail::Peer{}, clock.mono()}; }

    std::string describe(const OpenMaildrop&) { return "open-maildrop"; }
    std::string describe(const ReadBody& question) {
        return fmt::format("read-body {} offset={} size={}", question.body.value(), question.offset,
                           question.size);
    }
    std::string describe(const RemoveMessages& question) {
        std::string text = "remove-messages";
        for (const auto uid : question.uids) {
            text += fmt::format(" {}", uid);
        }
        return text;
    }

    std::optional<Input> answer(const OpenMaildrop&, std::string_view text) {
        using Kind = MaildropOpened::Kind;
        MaildropOpened opened;
        opened.uid_validity = 17;
        if (text == "ok") {
            for (const auto& message : messages_) {
                opened.messages.push_back(message.item);
            }
            return opened;
        }
        opened.kind = text == "in-use"     ? Kind::kInUse
                      : text == "too-many" ? Kind::kTooMany
                                           : Kind::kTemporary;
        return text == "in-use" || text == "too-many" || text == "temporary"
                   ? std::optional<Input>(opened)
                   : std::nullopt;
    }
    std::optional<Input> answer(const ReadBody&, std::string_view text) {
        const auto [word, rest] = first_word(text);
        const auto octets = unescape_octets(rest);
        if (word == "octets" && octets) {
            return BodyRead{true, *octets};
        }
        return word == "damaged" ? std::optional<Input>(BodyRead{}) : std::nullopt;
    }
    std::optional<Input> answer(const RemoveMessages&, std::string_view text) {
        return text == "ok" || text == "failed" ? std::optional<Input>(Removed{text == "ok"})
                                                : std::nullopt;
    }

    std::optional<Input> automatic(const ReadBody& question) {
        for (const auto& message : messages_) {
            if (message.item.body == question.body && message.octets) {
                return BodyRead{true, message.octets->substr(question.offset, question.size)};
            }
        }
        return std::nullopt;
    }

private:
    // The session keeps a reference, and the adapter may move.
    std::unique_ptr<Options> options_ = std::make_unique<Options>();
    std::vector<StoredMessage> messages_;
};

}  // namespace

ScriptHandler make_script_handler() {
    return [](const ScriptCommand& command) {
        return command.verb == "conversation" ? run_conversation<Pop3Adapter>(command)
                                              : unknown_verb(command);
    };
}

}  // namespace quorate::support
