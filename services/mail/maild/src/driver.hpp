#pragma once

#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "authenticator.hpp"
#include "connection.hpp"
#include "io/errc.hpp"
#include "io/task.hpp"
#include "io/time.hpp"
#include "mail/session/session.hpp"
#include "session_shell.hpp"

namespace quorate::mail {

// Feeds one machine from one stream and carries its actions out. `Shell` answers the protocol's own
// questions:
//
//     awaitable<std::optional<Input>> answer(Action)   nothing if the action was no question
//     std::optional<Input> wake()                      an input when interrupted for a reason other
//                                                      than stopping
//     static bool slow(const Action&)                  what was queued should not wait for it
//
// Between two inputs a session holds no buffer and only the frames of run() and wait_for_input().
template <class Machine, class Shell>
class Driver {
public:
    using Action = typename Machine::Action;
    using Input = typename Machine::Input;
    template <class T>
    using awaitable = boost::asio::awaitable<T>;

    Driver(SessionShell& session, Machine& machine, Shell& shell)
        : session_(session), machine_(machine), shell_(shell), authenticator_(session) {}

    awaitable<void> run() {
        session_.running = true;
        auto actions = machine_.start(io::mono_now());
        for (;;) {
            const bool open = co_await perform(std::move(actions));
            if (!open || peer_gone_) {
                co_return;
            }
            actions = co_await wait_for_input();
        }
    }

private:
    // Whatever the machine says, nothing more comes from a peer that is gone.
    std::vector<Action> step(Input input) {
        peer_gone_ = peer_gone_ || std::holds_alternative<PeerClosed>(input);
        return machine_.step(io::mono_now(), std::move(input));
    }

    // False when the session is over.
    awaitable<bool> perform(std::vector<Action> actions) {
        while (!actions.empty()) {
            std::optional<Input> answer;
            for (auto& action : actions) {
                if (std::holds_alternative<Close>(action)) {
                    const bool sent = co_await session_.flush();
                    session_.said_all = sent;
                    co_return false;
                }
                if (!perform_at_once(action)) {
                    answer = co_await ask(std::move(action));
                }
            }
            actions.clear();
            if (session_.broken()) {
                actions = step(Input(PeerClosed{}));
            } else if (answer) {
                actions = step(std::move(*answer));
            }
        }
        const bool sent = co_await session_.flush();
        co_return sent;
    }

    bool perform_at_once(Action& action) {
        if (auto* send = std::get_if<Send>(&action)) {
            session_.queue(std::move(send->bytes));
            return true;
        }
        if (auto* note = std::get_if<Note>(&action)) {
            write_note(*note);
            return true;
        }
        if (std::holds_alternative<SaslAbort>(action)) {
            authenticator_.abort();
            return true;
        }
        return false;
    }

    awaitable<std::optional<Input>> ask(Action action) {
        std::optional<Input> input;
        if (std::holds_alternative<StartTls>(action)) {
            input = co_await start_tls();
            co_return input;
        }
        if (auto* start = std::get_if<SaslStart>(&action)) {
            auto outcome = co_await authenticator_.start(std::move(*start));
            input = Input(std::move(outcome));
            co_return input;
        }
        if (auto* respond = std::get_if<SaslRespond>(&action)) {
            auto outcome = co_await authenticator_.respond(std::move(*respond));
            input = Input(std::move(outcome));
            co_return input;
        }
        if (session_.queued() > kSendEarly || Shell::slow(action)) {
            co_await session_.flush();
        }
        input = co_await shell_.answer(std::move(action));
        co_return input;
    }

    awaitable<Input> start_tls() {
        const bool sent = co_await session_.flush();
        if (!sent) {
            co_return Input(PeerClosed{});
        }
        const bool started = co_await begin_tls(session_);
        if (!started) {
            co_return Input(PeerClosed{});
        }
        co_return Input(TlsStarted{*session_.tls});
    }

    awaitable<std::vector<Action>> wait_for_input() {
        for (;;) {
            if (const auto stop = session_.take_stop()) {
                co_return step(Input(*stop));
            }
            if (auto input = shell_.wake()) {
                co_return step(std::move(*input));
            }
            auto ready = co_await session_.stream.wait_readable(machine_.deadline());
            if (!ready && ready.error().code == io::Errc::kInterrupted) {
                continue;
            }
            if (!ready) {
                co_return step(ended_by(ready.error()));
            }
            auto actions = co_await read();
            co_return actions;
        }
    }

    awaitable<std::vector<Action>> read() {
        // A peer that sends faster than it is served does not keep the others from being served.
        if (++reads_ % kReadsInARow == 0) {
            co_await io::yield();
        }
        // All sessions share one buffer: it is filled and consumed without suspension between.
        auto& buffer = session_.server.read_buffer;
        auto received = co_await session_.stream.read_some(buffer, machine_.deadline());
        if (!received) {
            co_return step(ended_by(received.error()));
        }
        const std::string_view bytes(buffer.data(), *received);
        if (bytes.empty()) {
            co_return step(Input(PeerClosed{}));
        }
        if (reads_ == 1 && proxy_header_begins(bytes)) {
            session_.log.warn("proxy_header_refused");
            session_.server.metrics.refused_connections.add();
            std::vector<Action> over;
            over.emplace_back(Close{});
            co_return over;
        }
        co_return step(Input(Received{bytes}));
    }

    static Input ended_by(const Error& error) {
        if (error.code == io::Errc::kTimedOut) {
            return Input(TimerExpired{});
        }
        return Input(PeerClosed{});
    }

    void write_note(const Note& note) {
        const auto event = note.detail.empty() ? note.event : note.event + " " + note.detail;
        if (note.level == Note::Level::kWarn) {
            session_.log.warn(event);
        } else {
            session_.log.info(event);
        }
    }

    static constexpr std::size_t kSendEarly = 16 * 1024;
    static constexpr unsigned kReadsInARow = 16;

    SessionShell& session_;
    Machine& machine_;
    Shell& shell_;
    Authenticator authenticator_;
    unsigned reads_ = 0;
    bool peer_gone_ = false;
};

}  // namespace quorate::mail
