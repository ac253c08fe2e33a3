#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "describe_command.hpp"
#include "mail/imap/session.hpp"

namespace quorate::mail::imap {

inline Options talk_options() {
    Options options;
    options.host_name = "mail.example.test";
    options.implementation = "Quorate";
    options.version = "0.1";
    options.policy.implicit_tls = true;
    options.mechanisms_tls = {"SCRAM-SHA-256", "PLAIN", "LOGIN"};
    options.mechanisms_clear = {"SCRAM-SHA-256"};
    return options;
}

// A client and a shell in one: questions are answered by themselves, well, unless `hold`.
class Talk {
public:
    explicit Talk(Options options_in = talk_options())
        : options(std::move(options_in)), session(options, Peer{}, now) {
        carry_out(session.start(now));
        greeting = std::exchange(sent, {});
    }

    // What the server sends in answer to the octets.
    std::string say(std::string_view octets) {
        step(Received{octets});
        return std::exchange(sent, {});
    }
    std::string line(std::string_view text) { return say(std::string(text) + "\r\n"); }
    void login() { line("in LOGIN bob secret"); }
    void select() { line("se SELECT INBOX"); }
    std::string give(Input input) {
        step(std::move(input));
        return std::exchange(sent, {});
    }
    std::string pass(std::chrono::milliseconds time) {
        now += time;
        const auto deadline = session.deadline();
        return deadline && *deadline <= now ? give(TimerExpired{}) : std::string();
    }
    Executed done() const { return {selected, /*ok=*/true, {}}; }

    Options options;
    MonoTime now{std::chrono::hours(1)};
    Session session;
    std::string greeting;
    std::string sent;
    std::vector<std::string> executed;  // described
    std::vector<std::string> sasl;      // mechanism and initial response, responses
    std::vector<std::string> notes;
    std::string body;
    int discarded = 0;
    bool closed = false;
    bool hold = false;  // questions wait for give()
    bool waiting = false;
    Executed::Selected selected = Executed::Selected::kNone;
    std::optional<Input> next_answer;  // instead of the good one, once

private:
    void step(Input input) {
        waiting = false;
        carry_out(session.step(now, std::move(input)));
    }

    void carry_out(std::vector<Action> actions) {
        for (auto& action : actions) {
            std::visit([&](auto& one) { act(one); }, action);
        }
    }

    void answer(Input input) {
        waiting = true;
        if (next_answer) {
            input = *std::exchange(next_answer, std::nullopt);
        }
        if (!hold) {
            step(std::move(input));
        }
    }

    void act(const Send& send) { sent += send.bytes; }
    void act(const StartTls&) { answer(TlsStarted{}); }
    void act(const SaslStart& start) {
        sasl.push_back(start.mechanism + " " + start.initial_response.value_or("-"));
        answer(SaslOutcome{SaslOutcome::Kind::kSuccess, "bob@example.test", {}, 1});
    }
    void act(const SaslRespond& respond) {
        sasl.push_back(respond.response);
        answer(SaslOutcome{SaslOutcome::Kind::kSuccess, "bob@example.test", {}, 1});
    }
    void act(const SaslAbort&) { sasl.emplace_back("abort"); }
    void act(const BodyData& data) { body += data.bytes; }
    void act(const BodyDiscard&) { ++discarded; }
    void act(const Execute& execute) {
        executed.push_back(describe(*execute.command));
        const auto* select = std::get_if<Select>(&execute.command->what);
        if (select != nullptr) {
            selected =
                select->read_only ? Executed::Selected::kReadOnly : Executed::Selected::kReadWrite;
        } else if (std::holds_alternative<Unselect>(execute.command->what)) {
            selected = Executed::Selected::kNone;
        }
        answer(done());
    }
    void act(const Note& note) { notes.push_back(note.event + " " + note.detail); }
    void act(const Close&) { closed = true; }
};

}  // namespace quorate::mail::imap
