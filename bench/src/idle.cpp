#include <unistd.h>

#include <deque>
#include <utility>

#include "loads.hpp"
#include "report.hpp"
#include "sample.hpp"

namespace quorate::bench {
namespace {

class Waiting {
public:
    Waiting(io::io_context& context, const IdleOptions& options)
        : context_(context), options_(options) {}

    // Opens sessions, one after the other, until there are enough; several of these run at once.
    io::awaitable<void> open_sessions();
    std::size_t open() const { return connections_.size(); }

private:
    io::awaitable<void> settle(Connection& connection);

    io::io_context& context_;
    const IdleOptions& options_;
    std::uint64_t next_ = 0;
    std::deque<Connection> connections_;
};

io::awaitable<void> Waiting::settle(Connection& connection) {
    if (!options_.mailbox.empty()) {
        const std::string select = "s SELECT \"" + options_.mailbox + "\"\r\n";
        co_await connection.write(select);
        co_await connection.tagged("s");
    }
    if (options_.idle) {
        co_await connection.write("i IDLE\r\n");
        while (!connection.last_line().starts_with("+")) {
            co_await connection.line();
        }
    }
    connection.shrink();
}

io::awaitable<void> Waiting::open_sessions() {
    while (next_ < options_.sessions) {
        Login login = options_.login;
        login.user = numbered(login.user, next_++ % options_.users);
        auto connection = co_await log_in(context_, options_.server, std::move(login));
        co_await settle(connection);
        connections_.push_back(std::move(connection));
    }
}

void wait_for_end_of_input() {
    char ignored[256];
    while (::read(STDIN_FILENO, ignored, sizeof ignored) > 0) {
    }
}

}  // namespace

void hold_idle(io::io_context& context, const IdleOptions& options) {
    Waiting waiting(context, options);
    std::vector<io::awaitable<void>> tasks;
    for (std::size_t i = 0; i < options.at_once; ++i) {
        tasks.push_back(waiting.open_sessions());
    }
    const auto start = Clock::now();
    run_all(context, std::move(tasks));
    const double seconds = seconds_since(start);
    Report()
        .count("sessions", waiting.open())
        .number("seconds", seconds)
        .number("per_second", static_cast<double>(waiting.open()) / seconds)
        .print();
    wait_for_end_of_input();
}

}  // namespace quorate::bench
