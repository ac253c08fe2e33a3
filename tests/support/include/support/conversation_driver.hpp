#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "mail/session/line_buffer.hpp"
#include "mail/session/session.hpp"
#include "support/dialogue.hpp"
#include "support/fake_clock.hpp"
#include "support/octets.hpp"

namespace quorate::support {

// One run of a conversation; see conversation.hpp.
template <class Adapter>
class Driver {
public:
    using Machine = typename Adapter::Machine;
    using Action = typename Machine::Action;
    using Input = typename Machine::Input;

    Driver(const ScriptCommand& command, const Dialogue& dialogue, const Delivery& delivery)
        : dialogue_(dialogue),
          delivery_(delivery),
          adapter_(command),
          machine_(adapter_.make(clock_)) {}

    DriveOutcome run() {
        perform(machine_.start(clock_.mono()));
        answer_by_itself();
        while (next_ < dialogue_.size() && !stopped()) {
            const auto& line = dialogue_[next_++];
            transcript_.input(line);
            take(line);
        }
        if (delivery_.fault != Delivery::Fault::kNone && !closed_) {
            inject();
        }
        outcome_.transcript = transcript_.finish();
        return std::move(outcome_);
    }

private:
    using Fault = Delivery::Fault;

    bool stopped() const {
        return delivery_.fault != Fault::kNone && outcome_.steps >= delivery_.steps;
    }
    void complain(std::string text) { outcome_.complaints.push_back(std::move(text)); }

    // ---- inputs

    void take(const DialogueLine& line) {
        if (line.kind == DialogueLine::Kind::kComment) {
            return;
        }
        if (closed_) {
            complain("line " + std::to_string(line.line) + ": input after close");
        } else if (line.kind == DialogueLine::Kind::kClient) {
            held_.append(line.octets);
        } else if (line.kind == DialogueLine::Kind::kAnswer) {
            take_answer(line);
        } else {
            take_event(line);
        }
        hand_over();
    }

    void take_answer(const DialogueLine& line) {
        if (!pending_) {
            complain("line " + std::to_string(line.line) + ": answer without a question");
            return;
        }
        auto input = std::visit(
            [&](const auto& question) { return answer_to(question, line.text); }, *pending_);
        if (!input) {
            complain("line " + std::to_string(line.line) + ": not an answer to this question");
            return;
        }
        pending_.reset();
        step(std::move(*input));
    }

    void take_event(const DialogueLine& line) {
        const auto [word, rest] = first_word(line.text);
        if (word == "advance") {
            const auto duration = parse_duration(rest);
            if (duration) {
                advance(*duration);
            } else {
                complain("not a duration: " + line.text);
            }
            return;
        }
        if (word == "close") {
            peer_gone_ = true;
            step(mail::PeerClosed{});
            expect_closed("PeerClosed");
            return;
        }
        if (word == "shutdown") {
            step(mail::Shutdown{});
            return;
        }
        if constexpr (requires { adapter_.event(std::string_view{}); }) {
            if (auto input = adapter_.event(line.text)) {
                step(std::move(*input));
                return;
            }
        }
        complain("unknown event: " + line.text);
    }

    void advance(std::chrono::milliseconds by) {
        const auto target = clock_.mono() + by;
        while (!closed_ && !stopped()) {
            const auto deadline = machine_.deadline();
            if (!deadline || *deadline > target) {
                break;
            }
            expire_timer();
        }
        clock_.advance_to(target);
    }

    void expire_timer() {
        clock_.advance_to(*machine_.deadline());
        step(mail::TimerExpired{});
        const auto deadline = machine_.deadline();
        if (!closed_ && deadline && *deadline <= clock_.mono()) {
            complain("the deadline is still due after TimerExpired");
            closed_ = true;
        }
    }

    // Octets go to the machine as the delivery says, and only while no question is open.
    void hand_over() {
        while (!held_.empty() && !pending_ && !closed_ && !stopped()) {
            const auto piece = std::string(held_.view().substr(0, piece_size()));
            held_.consume(piece.size());
            outcome_.octets += piece.size();
            step(mail::Received{piece});
        }
    }

    std::size_t piece_size() const {
        const auto done = outcome_.octets;
        if (delivery_.pieces == Delivery::Pieces::kOctets) {
            return 1;
        }
        if (delivery_.pieces == Delivery::Pieces::kCut && delivery_.cut > done) {
            return delivery_.cut - done;
        }
        return held_.size();
    }

    void step(Input input) {
        ++outcome_.steps;
        perform(machine_.step(clock_.mono(), std::move(input)));
        answer_by_itself();
    }

    void answer_by_itself() {
        while (pending_ && !stopped()) {
            auto input =
                std::visit([&](const auto& question) { return automatic_to(question); }, *pending_);
            if (!input) {
                return;
            }
            pending_.reset();
            ++outcome_.steps;
            perform(machine_.step(clock_.mono(), std::move(*input)));
        }
    }

    template <class Question>
    std::optional<Input> automatic_to(const Question& question) {
        if constexpr (requires { adapter_.automatic(question); }) {
            return adapter_.automatic(question);
        } else {
            return std::nullopt;
        }
    }

    template <class Question>
    std::optional<Input> answer_to(const Question& question, std::string_view text) {
        if constexpr (std::is_same_v<Question, mail::StartTls>) {
            return widen(parse_tls_started(text));
        } else if constexpr (std::is_same_v<Question, mail::SaslStart> ||
                             std::is_same_v<Question, mail::SaslRespond>) {
            return widen(parse_sasl_outcome(text));
        } else if constexpr (requires { adapter_.answer(question, text); }) {
            return adapter_.answer(question, text);
        } else {
            return std::nullopt;
        }
    }

    template <class T>
    static std::optional<Input> widen(std::optional<T> answer) {
        return answer ? std::optional<Input>(std::move(*answer)) : std::nullopt;
    }

    // ---- actions

    void perform(std::vector<Action> actions) {
        bool asked = false;
        for (auto& action : actions) {
            if (closed_) {
                complain("an action after Close");
            }
            if (asked) {
                complain("an action after a question");
            }
            if (const auto question =
                    std::visit([&](auto& one) { return carry_out(one); }, action)) {
                asked = true;
                ask(std::move(action), *question);
            }
        }
    }

    void ask(Action action, const std::string& question) {
        if (pending_) {
            complain("a question while another is open: " + question);
        }
        if (peer_gone_) {
            complain("a question after PeerClosed: " + question);
        }
        transcript_.output("? " + question);
        if (std::holds_alternative<mail::StartTls>(action)) {
            outcome_.octets += held_.size();
            held_.clear();
        }
        pending_.emplace(std::move(action));
    }

    // The text of a question; nothing for an action that needs no answer.
    template <class T>
    std::optional<std::string> carry_out(T& action) {
        if constexpr (std::is_same_v<T, mail::Send>) {
            if (peer_gone_) {
                complain("Send after PeerClosed");
            }
            transcript_.stream('S', action.bytes);
        } else if constexpr (std::is_same_v<T, mail::BodyData>) {
            transcript_.stream('B', action.bytes);
        } else if constexpr (std::is_same_v<T, mail::BodyDiscard>) {
            transcript_.output(". body-discard");
        } else if constexpr (std::is_same_v<T, mail::SaslAbort>) {
            transcript_.output(". sasl-abort");
        } else if constexpr (std::is_same_v<T, mail::Close>) {
            transcript_.output(". close");
            closed_ = true;
        } else if constexpr (std::is_same_v<T, mail::Note>) {
            const bool warn = action.level == mail::Note::Level::kWarn;
            const auto text = action.event + (action.detail.empty() ? "" : " ") + action.detail;
            transcript_.output(std::string(warn ? "N: warn " : "N: info ") + escape_octets(text));
        } else {
            return question_text(action);
        }
        return std::nullopt;
    }

    template <class T>
    std::string question_text(const T& action) {
        if constexpr (std::is_same_v<T, mail::StartTls>) {
            return "start-tls";
        } else if constexpr (std::is_same_v<T, mail::SaslStart>) {
            const auto& initial = action.initial_response;
            return "sasl-start " + action.mechanism +
                   (!initial           ? ""
                    : initial->empty() ? " ="
                                       : " " + escape_octets(*initial));
        } else if constexpr (std::is_same_v<T, mail::SaslRespond>) {
            return (action.response.empty() ? "sasl-respond" : "sasl-respond ") +
                   escape_octets(action.response);
        } else {
            return adapter_.describe(action);
        }
    }

    // ---- faults

    void expect_closed(std::string_view input) {
        if (!closed_) {
            complain("no Close after " + std::string(input));
        }
    }

    void inject() {
        const auto fault = delivery_.fault;
        delivery_.fault = Fault::kNone;
        held_.clear();
        if (fault == Fault::kPeerClosed) {
            peer_gone_ = true;
            perform(machine_.step(clock_.mono(), mail::PeerClosed{}));
            expect_closed("PeerClosed");
        } else if (fault == Fault::kTimerExpired && machine_.deadline()) {
            expire_timer();
        } else if (fault == Fault::kShutdown) {
            perform(machine_.step(clock_.mono(), mail::Shutdown{}));
            answer_the_rest();
            expect_closed("Shutdown");
        }
    }

    // A machine may finish what it has begun before it says good-bye.
    void answer_the_rest() {
        answer_by_itself();
        while (pending_ && !closed_ && next_ < dialogue_.size()) {
            const auto& line = dialogue_[next_++];
            if (line.kind == DialogueLine::Kind::kAnswer) {
                transcript_.input(line);
                take_answer(line);
            }
        }
    }

    const Dialogue& dialogue_;
    Delivery delivery_;
    FakeClock clock_;
    Adapter adapter_;
    Machine machine_;
    Transcript transcript_;
    std::optional<Action> pending_;
    mail::InputBuffer held_;  // sent by the client, not yet handed to the machine
    std::size_t next_ = 0;
    bool closed_ = false;
    bool peer_gone_ = false;
    DriveOutcome outcome_;
};

}  // namespace quorate::support
