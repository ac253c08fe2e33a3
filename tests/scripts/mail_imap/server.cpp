#include "server.hpp"

#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "support/fake_clock.hpp"
#include "support/imap_grammar.hpp"
#include "support/octets.hpp"

namespace quorate::support {

namespace imap = mail::imap;

struct ImapServer::Connection {
    Connection(imap::Mail& own_mail, const imap::Options& options)
        : mail(own_mail),
          session(options, mail::Peer{"127.0.0.1", 40000, "127.0.0.1", 143, true}, clock.mono()),
          executor({}, [this] { changed = true; }) {
        carry_out(session.start(clock.mono()));
        receive("login LOGIN bob secret\r\n");
        sent.clear();
    }

    void receive(std::string_view octets) {
        if (!closed) {
            carry_out(session.step(clock.mono(), mail::Received{octets}));
        }
    }

    void notify() {
        if (std::exchange(changed, false) && !closed) {
            carry_out(session.step(clock.mono(), imap::Changed{}));
        }
    }

    void carry_out(std::vector<imap::Action> actions) {
        for (auto& action : actions) {
            if (auto* const send = std::get_if<mail::Send>(&action)) {
                sent.append(send->bytes);
            } else if (auto* const data = std::get_if<mail::BodyData>(&action)) {
                body.append(data->bytes);
            } else if (std::holds_alternative<mail::BodyDiscard>(action)) {
                body.clear();
            } else if (std::holds_alternative<mail::Close>(action)) {
                closed = true;
            } else if (std::holds_alternative<mail::SaslStart>(action)) {
                mail::SaslOutcome outcome;
                outcome.kind = mail::SaslOutcome::Kind::kSuccess;
                outcome.text = "bob@example.test";
                carry_out(session.step(clock.mono(), std::move(outcome)));
            } else if (auto* const question = std::get_if<imap::Execute>(&action)) {
                carry_out(session.step(clock.mono(), execute(*question->command)));
            }
        }
    }

    imap::Executed execute(const imap::Command& command) {
        std::unique_ptr<imap::AppendBody> message;
        if (std::holds_alternative<imap::Append>(command.what)) {
            message = imap::make_append_body(mail.store(), std::exchange(body, {}));
        }
        const imap::RunContext context{mail.account(), clock.wall(), message.get()};
        auto piece = executor.begin(context, command);
        EXPECT_TRUE(piece.has_value());
        while (piece) {
            sent.append(piece->bytes);
            if (piece->done) {
                return piece->executed;
            }
            piece = executor.next(context);
        }
        return {};
    }

    imap::Mail& mail;
    FakeClock clock;
    imap::Session session;
    imap::Executor executor;
    std::string sent;
    std::string body;
    bool changed = false;
    bool closed = false;
};

ImapServer::ImapServer() {
    options_.host_name = "mail.example.test";
    options_.implementation = "Quorate";
    options_.version = "0.1";
    options_.policy.tls_required_for_auth = false;
    options_.mechanisms_clear = {"PLAIN", "LOGIN"};
}

ImapServer::~ImapServer() = default;

ImapServer::Connection& ImapServer::connection(const std::string& name) {
    auto& found = connections_[name];
    if (!found) {
        found = std::make_unique<Connection>(mail_, options_);
    }
    return *found;
}

void ImapServer::wake_the_others() {
    for (auto& [name, one] : connections_) {
        one->notify();
        EXPECT_EQ(check_imap_responses(one->sent), std::nullopt);
        dialogue_.append(octets_as_lines(name + " S:", one->sent));
        one->sent.clear();
        if (one->closed) {
            dialogue_.append(name + " . close\n");
        }
    }
    std::erase_if(connections_, [](const auto& entry) { return entry.second->closed; });
}

std::string ImapServer::run(std::string_view body) {
    dialogue_.clear();
    for (const auto line : split(body, '\n')) {
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) {
            continue;
        }
        const std::string name(line.substr(0, colon));
        const auto text = trim(line.substr(colon + 1));
        const auto octets = line_as_octets(text);
        EXPECT_TRUE(octets.has_value()) << line;
        dialogue_.append(name).append(text.empty() ? " C:" : " C: ").append(text).append("\n");
        connection(name).receive(octets.value_or(""));
        wake_the_others();
    }
    return dialogue_;
}

}  // namespace quorate::support
