#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/assert.hpp"
#include "mail/session/session.hpp"

namespace quorate::fuzz {

// A protocol machine with a shell around it that keeps the rules of mail/session/session.hpp and
// asserts that the machine does. The target answers the questions.
template <class Machine>
class MachineRun {
public:
    using Action = typename Machine::Action;
    using Input = typename Machine::Input;

    MachineRun(Machine machine, MonoTime now) : machine_(std::move(machine)), now_(now) {
        perform(machine_.start(now_));
    }

    bool closed() const { return closed_; }
    // The question that is open; if none, octets may be handed over.
    std::optional<Action>& question() { return question_; }
    MonoTime now() const { return now_; }
    // What was sent since the last call.
    std::string take_sent() { return std::exchange(sent_, {}); }

    void step(Input input) {
        QUORATE_ASSERT(!closed_);
        if (std::holds_alternative<mail::PeerClosed>(input)) {
            peer_gone_ = true;
        }
        const bool interrupts = std::holds_alternative<mail::PeerClosed>(input) ||
                                std::holds_alternative<mail::TimerExpired>(input) ||
                                std::holds_alternative<mail::Shutdown>(input);
        QUORATE_ASSERT(!question_ || !std::holds_alternative<mail::Received>(input));
        if (!interrupts) {
            question_.reset();
        }
        perform(machine_.step(now_, std::move(input)));
        closed_ = closed_ || peer_gone_;
    }

    // Time passes up to the deadline, if there is one, and the timer goes off.
    void expire() {
        const auto deadline = machine_.deadline();
        if (!deadline) {
            return;
        }
        now_ = std::max(now_, *deadline);
        step(mail::TimerExpired{});
        const auto next = machine_.deadline();
        QUORATE_ASSERT(closed_ || !next || *next > now_);
    }

    void pass(std::chrono::milliseconds time) {
        const auto deadline = machine_.deadline();
        now_ = deadline ? std::min(now_ + time, std::max(now_, *deadline)) : now_ + time;
    }

private:
    void perform(std::vector<Action> actions) {
        bool asked = false;
        for (auto& action : actions) {
            QUORATE_ASSERT(!closed_ && !asked);
            std::visit([&](auto& one) { asked = carry_out(one); }, action);
            if (asked) {
                QUORATE_ASSERT(!question_ && !peer_gone_);
                question_.emplace(std::move(action));
            }
        }
        if (closed_) {
            question_.reset();
        }
    }

    // True for a question.
    template <class T>
    bool carry_out(T& action) {
        if constexpr (std::is_same_v<T, mail::Send>) {
            QUORATE_ASSERT(!peer_gone_);
            sent_ += action.bytes;
            return false;
        } else if constexpr (std::is_same_v<T, mail::Close>) {
            closed_ = true;
            return false;
        } else {
            return !std::is_same_v<T, mail::Note> && !std::is_same_v<T, mail::SaslAbort> &&
                   !std::is_same_v<T, mail::BodyData> && !std::is_same_v<T, mail::BodyDiscard>;
        }
    }

    Machine machine_;
    MonoTime now_;
    std::optional<Action> question_;
    std::string sent_;
    bool closed_ = false;
    bool peer_gone_ = false;
};

}  // namespace quorate::fuzz
