// What stands between a client and another node's clusterd, without any of their work: octets go
// from a Unix socket over TCP to a far end, and come back.
//
//     bare_relay --address A:P far                  sends back what comes
//     bare_relay --address A:P near --socket PATH   what comes at PATH goes there, and back
//
// Both say "ready", serve one peer after the other, and look --look-us long for what comes before
// they sleep, as clusterd does (busy_poll_us).

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <thread>

#include <CLI/CLI.hpp>

#include "../src/report.hpp"

namespace quorate::bench {
namespace {

struct Options {
    std::string address;
    std::string socket;
    unsigned look_us = 50;
};

[[noreturn]] void give_up(const char* what) {
    std::perror(what);
    std::exit(1);
}

sockaddr_in tcp_address(const std::string& text) {
    const auto colon = text.rfind(':');
    sockaddr_in address{};
    address.sin_family = AF_INET;
    if (colon == std::string::npos ||
        ::inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1) {
        give_up("address");
    }
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoul(text.substr(colon + 1))));
    return address;
}

template <class Address>
int listen_at(int family, const Address& address) {
    const int fd = ::socket(family, SOCK_STREAM, 0);
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
        ::listen(fd, 4) != 0) {
        give_up("listen");
    }
    std::puts("ready");
    std::fflush(stdout);
    return fd;
}

void at_once(int fd) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

// What comes at `from` goes to `to`. Nothing: nothing has come. False: it has ended.
std::optional<bool> pass_on(int from, int to) {
    std::array<char, 4096> buffer;
    const auto got = ::recv(from, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) {
        return std::nullopt;
    }
    return got > 0 && ::send(to, buffer.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) == got;
}

// Until one of them ends. They may be the same.
void relay(int one, int other, std::chrono::microseconds look) {
    auto awake_until = Clock::now() + look;
    for (;;) {
        const auto there = pass_on(one, other);
        const auto back = one != other ? pass_on(other, one) : std::nullopt;
        if (!there.value_or(true) || !back.value_or(true)) {
            return;
        }
        const auto now = Clock::now();
        if (there || back) {
            awake_until = now + look;
        } else if (now < awake_until) {
            std::this_thread::yield();
        } else {
            std::array<pollfd, 2> both{pollfd{one, POLLIN, 0}, pollfd{other, POLLIN, 0}};
            ::poll(both.data(), both.size(), -1);
            awake_until = Clock::now() + look;
        }
    }
}

void far(const Options& options) {
    const int listener = listen_at(AF_INET, tcp_address(options.address));
    for (;;) {
        const int fd = ::accept(listener, nullptr, nullptr);
        at_once(fd);
        relay(fd, fd, std::chrono::microseconds(options.look_us));
        ::close(fd);
    }
}

void near(const Options& options) {
    sockaddr_un path{};
    path.sun_family = AF_UNIX;
    std::strncpy(path.sun_path, options.socket.c_str(), sizeof(path.sun_path) - 1);
    const auto address = tcp_address(options.address);
    const int listener = listen_at(AF_UNIX, path);
    for (;;) {
        const int client = ::accept(listener, nullptr, nullptr);
        const int peer = ::socket(AF_INET, SOCK_STREAM, 0);
        if (::connect(peer, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
            give_up("connect");
        }
        at_once(peer);
        relay(client, peer, std::chrono::microseconds(options.look_us));
        ::close(peer);
        ::close(client);
    }
}

}  // namespace
}  // namespace quorate::bench

int main(int argc, char** argv) {
    using namespace quorate::bench;
    CLI::App app("a relay without work of its own");
    Options options;
    app.add_option("--address", options.address)->required();
    app.add_option("--look-us", options.look_us);
    app.add_subcommand("far")->callback([&] { far(options); });
    auto* command = app.add_subcommand("near");
    command->add_option("--socket", options.socket)->required();
    command->callback([&] { near(options); });
    app.require_subcommand(1);
    CLI11_PARSE(app, argc, argv);
    return 0;
}
