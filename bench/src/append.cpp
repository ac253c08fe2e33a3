#include <algorithm>
#include <utility>

#include "loads.hpp"
#include "report.hpp"
#include "sample.hpp"

namespace quorate::bench {
namespace {

class Filling {
public:
    explicit Filling(const AppendOptions& options) : options_(options), sample_(options.size) {}

    io::awaitable<void> run(io::io_context& context);

private:
    io::awaitable<void> batch(Connection& connection, std::uint64_t first, std::uint64_t end);
    std::string one(std::uint64_t number) const;

    const AppendOptions& options_;
    Sample sample_;
};

// What APPEND takes for one message: flags and the literal.
std::string Filling::one(std::uint64_t number) const {
    const std::string message = sample_.message(number);
    const char* flags = number * 37 % 100 < options_.seen_of_100 ? " (\\Seen)" : " ()";
    return flags + (" {" + std::to_string(message.size()) + "+}\r\n") + message;
}

io::awaitable<void> Filling::batch(Connection& connection, std::uint64_t first, std::uint64_t end) {
    const std::string command = "APPEND \"" + options_.mailbox + "\"";
    std::string out;
    for (std::uint64_t number = first; number < end; ++number) {
        if (number == first || !options_.multiappend) {
            out += "a" + std::to_string(number) + " " + command;
        }
        out += one(number);
        if (number + 1 == end || !options_.multiappend) {
            out += "\r\n";
        }
    }
    co_await connection.write(out);
    const std::uint64_t step = options_.multiappend ? end - first : 1;
    for (std::uint64_t number = first; number < end; number += step) {
        co_await connection.tagged("a" + std::to_string(number));
    }
}

io::awaitable<void> Filling::run(io::io_context& context) {
    auto connection = co_await log_in(context, options_.server, options_.login);
    for (std::uint64_t first = 0; first < options_.messages; first += options_.together) {
        const std::uint64_t end = std::min(first + options_.together, options_.messages);
        co_await batch(connection, first, end);
    }
    co_await connection.write("z LOGOUT\r\n");
    co_await connection.tagged("z");
}

}  // namespace

void append(io::io_context& context, const AppendOptions& options) {
    Filling filling(options);
    std::vector<io::awaitable<void>> tasks;
    tasks.push_back(filling.run(context));
    const auto start = Clock::now();
    run_all(context, std::move(tasks));
    const double seconds = seconds_since(start);
    Report()
        .count("messages", options.messages)
        .number("seconds", seconds)
        .number("per_second", static_cast<double>(options.messages) / seconds)
        .print();
}

}  // namespace quorate::bench
