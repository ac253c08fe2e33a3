#include <array>
#include <utility>

#include "loads.hpp"
#include "report.hpp"
#include "sample.hpp"

namespace quorate::bench {
namespace {

class Delivery {
public:
    Delivery(io::io_context& context, const DeliverOptions& options)
        : context_(context), options_(options), sample_(options.size) {}

    io::awaitable<void> session();
    void print(double seconds) const;

private:
    io::awaitable<void> greet(Connection& connection);
    io::awaitable<void> transaction(Connection& connection, std::uint64_t number);
    void expect(int code, int wanted, const Connection& connection) const;

    io::io_context& context_;
    const DeliverOptions& options_;
    Sample sample_;
    std::uint64_t next_ = 0;
    std::vector<double> latencies_ms_;
};

void Delivery::expect(int code, int wanted, const Connection& connection) const {
    if (code != wanted) {
        throw LoadFailure("expected " + std::to_string(wanted) + ": " + connection.last_line());
    }
}

io::awaitable<void> Delivery::greet(Connection& connection) {
    const int greeting = co_await connection.reply();
    expect(greeting, 220, connection);
    co_await connection.write(options_.lmtp ? "LHLO client.example.net\r\n"
                                            : "EHLO client.example.net\r\n");
    const int hello = co_await connection.reply();
    expect(hello, 250, connection);
}

io::awaitable<void> Delivery::transaction(Connection& connection, std::uint64_t number) {
    const auto start = Clock::now();
    const std::string recipient = numbered(options_.recipient, number % options_.recipients);
    const std::string envelope =
        "MAIL FROM:<ada.example@client.example.net>\r\nRCPT TO:<" + recipient + ">\r\nDATA\r\n";
    co_await connection.write(envelope);
    static constexpr std::array<int, 3> kWanted{250, 250, 354};
    for (const int wanted : kWanted) {
        const int code = co_await connection.reply();
        expect(code, wanted, connection);
    }
    const std::string message = sample_.message(number) + ".\r\n";
    co_await connection.write(message);
    const int code = co_await connection.reply();
    expect(code, 250, connection);
    latencies_ms_.push_back(1000 * seconds_since(start));
}

io::awaitable<void> Delivery::session() {
    while (next_ < options_.messages) {
        auto connection = co_await Connection::open(context_, options_.server);
        co_await greet(connection);
        for (std::uint64_t sent = 0; sent < options_.per_connection && next_ < options_.messages;
             ++sent) {
            co_await transaction(connection, next_++);
        }
        co_await connection.write("QUIT\r\n");
        const int code = co_await connection.reply();
        expect(code, 221, connection);
    }
}

void Delivery::print(double seconds) const {
    Report()
        .count("messages", latencies_ms_.size())
        .number("seconds", seconds)
        .number("per_second", static_cast<double>(latencies_ms_.size()) / seconds)
        .number("p50_ms", quantile(latencies_ms_, 0.5))
        .number("p99_ms", quantile(latencies_ms_, 0.99))
        .print();
}

}  // namespace

void deliver(io::io_context& context, const DeliverOptions& options) {
    Delivery delivery(context, options);
    std::vector<io::awaitable<void>> sessions;
    for (std::size_t i = 0; i < options.sessions; ++i) {
        sessions.push_back(delivery.session());
    }
    const auto start = Clock::now();
    run_all(context, std::move(sessions));
    delivery.print(seconds_since(start));
}

}  // namespace quorate::bench
