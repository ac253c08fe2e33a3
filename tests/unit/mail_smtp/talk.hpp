#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "mail/smtp/session.hpp"

namespace quorate::mail::smtp::testing {

// RFC 5321 4.2 and RFC 2034: what every reply line must look like.
inline void expect_well_formed(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto end = bytes.find("\r\n");
        ASSERT_NE(end, bytes.npos) << bytes;
        const auto line = bytes.substr(0, end);
        bytes.remove_prefix(end + 2);
        EXPECT_LE(line.size() + 2, 512U) << line;
        ASSERT_GE(line.size(), 4U) << line;
        EXPECT_TRUE(line[0] >= '2' && line[0] <= '5') << line;
        EXPECT_TRUE(line[3] == ' ' || line[3] == '-') << line;
        if (line.size() > 6 && line[5] == '.') {
            EXPECT_EQ(line[4], line[0]) << line;
        } else {
            EXPECT_TRUE(line.starts_with("220") || line.starts_with("250") ||
                        line.starts_with("334") || line.starts_with("354"))
                << line;
        }
        EXPECT_EQ(line.find_first_of("\r\n"), line.npos) << line;
    }
}

// A session with a client that says things and a shell that answers every question as told.
class Talk {
public:
    explicit Talk(Role role = Role::kReceive) {
        options.role = role;
        options.host_name = "mx.example.test";
        peer.address = "192.0.2.7";
    }
    Talk(const Talk&) = delete;
    Talk& operator=(const Talk&) = delete;

    // Begins; called by the first say() at the latest, after options were set.
    std::string begin() {
        Session::Start start{peer, "s1", wall, now, tls};
        session.emplace(options, std::move(start));
        return perform(session->start(now));
    }
    // Octets as they are; what is sent in answer.
    std::string send(std::string_view bytes) {
        if (!session) {
            begin();
        }
        return perform(session->step(now, Received{bytes}));
    }
    std::string say(std::string_view line) { return send(std::string(line) + "\r\n"); }
    std::string input(Input what) { return perform(session->step(now, std::move(what))); }

    // Greets so that MAIL is possible.
    std::string hello() { return say(options.role == Role::kLmtp ? "LHLO c.test" : "EHLO c.test"); }
    // Up to the message, to one recipient.
    void envelope() {
        hello();
        EXPECT_EQ(say("MAIL FROM:<a@b.test>").substr(0, 3), "250");
        EXPECT_EQ(say("RCPT TO:<ann@example.test>").substr(0, 3), "250");
    }
    // A whole message by DATA, already dot-stuffed; the answer to it.
    std::string data(std::string_view wire) {
        EXPECT_EQ(say("DATA").substr(0, 3), "354");
        return send(wire);
    }
    // For submission.
    void authenticate() {
        options.mechanisms_clear = {"PLAIN"};
        hello();
        sasl = {{SaslOutcome::Kind::kSuccess, "ann@example.test", "", 1}};
        EXPECT_EQ(say("AUTH PLAIN AGEAYg==").substr(0, 3), "235");
    }

    struct Delivery {
        Deliver question;
        std::string message;
    };

    Options options;
    Peer peer;
    std::optional<TlsInfo> tls;
    WallTime wall{std::chrono::seconds(1'700'000'000)};  // Tue, 14 Nov 2023 22:13:20 +0000
    MonoTime now{std::chrono::hours(5)};
    std::optional<Session> session;

    // Answers; nothing set: kOk for every address in example.test, delivered.
    std::map<std::string, Resolved::Kind> resolve;
    std::vector<Delivered::Kind> outcomes;
    std::vector<SaslOutcome> sasl;  // one by one
    bool hold_delivery = false;     // the answer is given by the test
    bool hold_resolve = false;
    bool hold_sasl = false;
    bool hold_tls = false;

    std::vector<Resolve> resolved;
    std::vector<Delivery> deliveries;
    std::vector<SaslStart> sasl_starts;
    std::vector<std::string> sasl_responses;
    std::vector<Note> notes;
    std::string body;  // collected
    std::size_t discards = 0;
    std::size_t sasl_aborts = 0;
    std::size_t sends = 0;
    bool closed = false;

    const std::string& message() const { return deliveries.back().message; }
    // The message without what the server put in front of it: Return-Path and Received.
    std::string content() const {
        auto text = message();
        EXPECT_TRUE(text.starts_with("Return-Path: <"));
        text.erase(0, text.find("\r\n") + 2);
        EXPECT_TRUE(text.starts_with("Received: "));
        do {
            text.erase(0, text.find("\r\n") + 2);
        } while (text.starts_with('\t'));
        return text;
    }

private:
    std::string perform(std::vector<Action> actions) {
        std::string sent;
        while (!actions.empty()) {
            std::optional<Input> answer;
            for (std::size_t i = 0; i < actions.size(); ++i) {
                EXPECT_FALSE(closed) << "an action after Close";
                const bool last = i + 1 == actions.size();
                auto given =
                    std::visit([&](auto& action) { return take(action, sent, last); }, actions[i]);
                if (given) {
                    answer = std::move(given);
                }
            }
            actions.clear();
            if (answer) {
                actions = session->step(now, std::move(*answer));
            }
        }
        return sent;
    }

    using Answer = std::optional<Input>;

    Answer take(Send& send, std::string& sent, bool) {
        expect_well_formed(send.bytes);
        sent += send.bytes;
        ++sends;
        return std::nullopt;
    }
    Answer take(StartTls&, std::string&, bool last) {
        EXPECT_TRUE(last);
        return hold_tls ? Answer()
                        : Answer(TlsStarted{TlsInfo{"TLSv1.3", "TLS_AES_256_GCM_SHA384"}});
    }
    Answer next_sasl(bool last) {
        EXPECT_TRUE(last);
        if (hold_sasl) {
            return std::nullopt;
        }
        SaslOutcome outcome;
        if (!sasl.empty()) {
            outcome = sasl.front();
            sasl.erase(sasl.begin());
        }
        return outcome;
    }
    Answer take(SaslStart& start, std::string&, bool last) {
        sasl_starts.push_back(start);
        return next_sasl(last);
    }
    Answer take(SaslRespond& respond, std::string&, bool last) {
        sasl_responses.push_back(respond.response);
        return next_sasl(last);
    }
    Answer take(SaslAbort&, std::string&, bool) {
        ++sasl_aborts;
        return std::nullopt;
    }
    Answer take(BodyData& data, std::string&, bool) {
        EXPECT_FALSE(data.bytes.empty());
        EXPECT_LE(data.bytes.size(), 64U * 1024);
        body += data.bytes;
        return std::nullopt;
    }
    Answer take(BodyDiscard&, std::string&, bool) {
        EXPECT_FALSE(body.empty());
        body.clear();
        ++discards;
        return std::nullopt;
    }
    Answer take(Resolve& question, std::string&, bool last) {
        EXPECT_TRUE(last);
        resolved.push_back(question);
        if (hold_resolve) {
            return std::nullopt;
        }
        const auto known = resolve.find(question.address);
        return Resolved{known == resolve.end() ? Resolved::Kind::kOk : known->second};
    }
    Answer take(Deliver& question, std::string&, bool last) {
        EXPECT_TRUE(last);
        EXPECT_EQ(question.size, body.size());
        deliveries.push_back({question, std::exchange(body, {})});
        if (hold_delivery) {
            return std::nullopt;
        }
        auto given = outcomes;
        given.resize(question.recipients.size(), Delivered::Kind::kOk);
        return Delivered{given, "q7"};
    }
    Answer take(Note& what, std::string&, bool) {
        notes.push_back(what);
        return std::nullopt;
    }
    Answer take(Close&, std::string&, bool last) {
        EXPECT_TRUE(last);
        closed = true;
        return std::nullopt;
    }
};

}  // namespace quorate::mail::smtp::testing
