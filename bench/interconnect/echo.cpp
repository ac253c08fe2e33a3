// The peer of the interconnect's benchmark: what Asio does by itself over the same path, plain or
// under TLS 1.3 with the cipher that the interconnect has.
//
//     echo_peer --address A:P serve [--certificate FILE --key FILE]
//     echo_peer --address A:P ask --bytes N --count N [--at-once N] [--tls]
//
// `serve` says "ready" and sends back what comes, until its standard input ends. `ask` keeps
// `at-once` messages under way and prints a Report.

#include <chrono>
#include <cstdio>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "../src/report.hpp"
#include "io/address.hpp"

namespace quorate::bench {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;
using TlsStream = asio::ssl::stream<tcp::socket>;

constexpr std::size_t kChunk = 64 * 1024;
constexpr const char* kSuite = "TLS_AES_256_GCM_SHA384";

struct Options {
    std::string address;
    std::string certificate;
    std::string key;
    std::size_t bytes = 100;
    std::size_t count = 1000;
    std::size_t at_once = 1;
    bool tls = false;
};

tcp::endpoint endpoint_of(const std::string& text) {
    const auto address = io::Address::parse(text);
    if (!address) {
        throw std::runtime_error(address.error().detail);
    }
    return {asio::ip::make_address(address->host), address->port};
}

asio::ssl::context tls_context(asio::ssl::context::method method) {
    asio::ssl::context context(method);
    ::SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_3_VERSION);
    ::SSL_CTX_set_ciphersuites(context.native_handle(), kSuite);
    return context;
}

// ---- serve

template <class Stream>
awaitable<void> echo(Stream& stream) {
    std::vector<char> buffer(kChunk);
    for (;;) {
        const auto size = co_await stream.async_read_some(asio::buffer(buffer), use_awaitable);
        const auto piece = asio::buffer(buffer.data(), size);
        co_await asio::async_write(stream, piece, use_awaitable);
    }
}

awaitable<void> serve_one(tcp::socket socket, asio::ssl::context* tls) {
    socket.set_option(tcp::no_delay(true));
    try {
        if (tls == nullptr) {
            co_await echo(socket);
        } else {
            TlsStream stream(std::move(socket), *tls);
            co_await stream.async_handshake(asio::ssl::stream_base::server, use_awaitable);
            co_await echo(stream);
        }
    } catch (const std::exception&) {
        co_return;  // the client is done
    }
}

awaitable<void> accept_all(tcp::acceptor& acceptor, asio::ssl::context* tls) {
    for (;;) {
        auto socket = co_await acceptor.async_accept(use_awaitable);
        asio::co_spawn(acceptor.get_executor(), serve_one(std::move(socket), tls), asio::detached);
    }
}

void serve(const Options& options) {
    asio::io_context context(1);
    std::unique_ptr<asio::ssl::context> tls;
    if (!options.certificate.empty()) {
        tls = std::make_unique<asio::ssl::context>(tls_context(asio::ssl::context::tls_server));
        tls->use_certificate_chain_file(options.certificate);
        tls->use_private_key_file(options.key, asio::ssl::context::pem);
    }
    tcp::acceptor acceptor(context, endpoint_of(options.address));
    asio::co_spawn(context, accept_all(acceptor, tls.get()), asio::detached);
    asio::posix::stream_descriptor input(context, 0);
    char octet = 0;
    asio::async_read(input, asio::buffer(&octet, 1),
                     [&](boost::system::error_code, std::size_t) { context.stop(); });
    std::printf("ready\n");
    std::fflush(stdout);
    context.run();
    input.release();
}

// ---- ask

template <class Stream>
class Asker {
public:
    Asker(Stream& stream, const Options& options)
        : stream_(stream), options_(options), room_(stream.get_executor()) {}

    awaitable<void> write_all() {
        const std::string message(options_.bytes, 'q');
        for (std::size_t sent = 0; sent < options_.count; ++sent) {
            while (under_way_.size() >= options_.at_once) {
                room_.expires_at(asio::steady_timer::time_point::max());
                boost::system::error_code ignored;
                co_await room_.async_wait(asio::redirect_error(use_awaitable, ignored));
            }
            under_way_.push_back(Clock::now());
            co_await asio::async_write(stream_, asio::buffer(message), use_awaitable);
        }
    }

    awaitable<void> read_all() {
        std::vector<char> answer(options_.bytes);
        const auto start = Clock::now();
        for (std::size_t got = 0; got < options_.count; ++got) {
            co_await asio::async_read(stream_, asio::buffer(answer), use_awaitable);
            times_.push_back(1e6 * seconds_since(under_way_.front()));
            under_way_.pop_front();
            room_.cancel();
        }
        const auto seconds = seconds_since(start);
        Report()
            .number("median_us", quantile(times_, 0.5))
            .number("p99_us", quantile(times_, 0.99))
            .number("seconds", seconds)
            .number("bytes_per_second",
                    static_cast<double>(options_.bytes * options_.count) / seconds)
            .print();
    }

private:
    Stream& stream_;
    const Options& options_;
    asio::steady_timer room_;
    std::deque<Clock::time_point> under_way_;
    std::vector<double> times_;
};

void rethrow(std::exception_ptr failure) {
    if (failure) {
        std::rethrow_exception(failure);
    }
}

template <class Stream>
void ask_over(asio::io_context& context, Stream& stream, const Options& options) {
    Asker<Stream> asker(stream, options);
    asio::co_spawn(context, asker.write_all(), rethrow);
    asio::co_spawn(context, asker.read_all(), rethrow);
    context.run();
}

void ask(const Options& options) {
    asio::io_context context(1);
    tcp::socket socket(context);
    socket.connect(endpoint_of(options.address));
    socket.set_option(tcp::no_delay(true));
    if (!options.tls) {
        ask_over(context, socket, options);
        return;
    }
    auto tls = tls_context(asio::ssl::context::tls_client);
    TlsStream stream(std::move(socket), tls);
    stream.handshake(asio::ssl::stream_base::client);
    ask_over(context, stream, options);
}

int run(int argc, char** argv) {
    CLI::App app("Sends back what comes, or asks for it and says how long it took.", "echo_peer");
    Options options;
    app.add_option("--address", options.address, "192.0.2.1:7000")->required();
    app.require_subcommand(1)->fallthrough();
    std::function<void(const Options&)> chosen;
    auto* server = app.add_subcommand("serve", "until standard input ends");
    server->add_option("--certificate", options.certificate);
    server->add_option("--key", options.key);
    server->callback([&] { chosen = serve; });
    auto* client = app.add_subcommand("ask", "messages that come back");
    client->add_option("--bytes", options.bytes);
    client->add_option("--count", options.count);
    client->add_option("--at-once", options.at_once);
    client->add_flag("--tls", options.tls);
    client->callback([&] { chosen = ask; });
    CLI11_PARSE(app, argc, argv);
    chosen(options);
    return 0;
}

}  // namespace
}  // namespace quorate::bench

int main(int argc, char** argv) {
    try {
        return quorate::bench::run(argc, argv);
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "echo_peer: %s\n", failure.what());
        return 1;
    }
}
