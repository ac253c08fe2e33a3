#include <cstdio>
#include <utility>

#include "loads.hpp"
#include "report.hpp"

namespace quorate::bench {
namespace {

io::awaitable<std::size_t> one_command(Connection& connection, std::string command) {
    const std::string line = "c " + command + "\r\n";
    co_await connection.write(line);
    co_return co_await connection.tagged("c");
}

io::awaitable<void> timing(io::io_context& context, const TimingOptions& options) {
    auto connection = co_await log_in(context, options.server, options.login);
    for (const std::string& command : options.before) {
        co_await one_command(connection, command);
    }
    for (const std::string& command : options.commands) {
        std::vector<double> ms;
        std::size_t octets = 0;
        for (std::size_t i = 0; i < options.repeat; ++i) {
            if (i > 0 && !options.between.empty()) {
                co_await one_command(connection, options.between);
            }
            const auto start = Clock::now();
            octets = co_await one_command(connection, command);
            ms.push_back(1000 * seconds_since(start));
        }
        Report()
            .number("best_ms", quantile(ms, 0))
            .number("median_ms", quantile(ms, 0.5))
            .count("octets", octets)
            .numbers("ms", ms)
            .print();
    }
}

}  // namespace

void time_commands(io::io_context& context, const TimingOptions& options) {
    std::vector<io::awaitable<void>> tasks;
    tasks.push_back(timing(context, options));
    run_all(context, std::move(tasks));
}

}  // namespace quorate::bench
