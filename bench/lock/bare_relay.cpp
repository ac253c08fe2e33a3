// What stands between a client and another node's clusterd, without any of their work: octets go
// from a Unix socket over TCP to a far end, and come back.
//
//     bare_relay --address A:P far                  sends back what comes
//     bare_relay --address A:P near --socket PATH   what comes at PATH goes there, and back
//
// Both say "ready", serve one peer after the other, and look --look-us long for what comes before
// they sleep, as clusterd does (busy_poll_us). With --tls the way between them is TLS 1.3, with
// --nice they have precedence except while they look, both as clusterd's.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <CLI/CLI.hpp>

#include "../src/report.hpp"

namespace quorate::bench {
namespace {

struct Options {
    std::string address;
    std::string socket;
    unsigned look_us = 50;
    int nice = 0;
    bool tls = false;
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

// A socket, and perhaps TLS over it.
class End {
public:
    explicit End(int fd) : fd_(fd) {}
    ~End() {
        tls_.reset();
        ::close(fd_);
    }
    End(const End&) = delete;
    End& operator=(const End&) = delete;

    int fd() const { return fd_; }
    // Both ends know one key.
    void encrypt(bool client) {
        static const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(
            ::SSL_CTX_new(::TLS_method()), &SSL_CTX_free);
        ::SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
        ::SSL_CTX_set_psk_client_callback(
            context.get(), [](SSL*, const char*, char* identity, unsigned, unsigned char* key,
                              unsigned) { return key_of(identity, key); });
        ::SSL_CTX_set_psk_server_callback(
            context.get(),
            [](SSL*, const char*, unsigned char* key, unsigned) { return key_of(nullptr, key); });
        tls_.reset(::SSL_new(context.get()));
        ::SSL_set_fd(tls_.get(), fd_);
        if ((client ? ::SSL_connect(tls_.get()) : ::SSL_accept(tls_.get())) != 1) {
            give_up("TLS");
        }
    }

    // Nothing: nothing has come. 0: it has ended.
    std::optional<std::size_t> receive(std::array<char, 4096>& buffer) {
        if (!tls_) {
            const auto got = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
            return got < 0 && errno == EAGAIN
                       ? std::nullopt
                       : std::optional(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        }
        const int got = ::SSL_read(tls_.get(), buffer.data(), static_cast<int>(buffer.size()));
        return got <= 0 && ::SSL_get_error(tls_.get(), got) == SSL_ERROR_WANT_READ
                   ? std::nullopt
                   : std::optional(static_cast<std::size_t>(std::max(got, 0)));
    }
    bool send(const char* bytes, std::size_t size) {
        return tls_ ? ::SSL_write(tls_.get(), bytes, static_cast<int>(size)) ==
                          static_cast<int>(size)
                    : ::send(fd_, bytes, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size);
    }

private:
    static unsigned key_of(char* identity, unsigned char* key) {
        constexpr unsigned kKey = 32;
        if (identity != nullptr) {
            std::strcpy(identity, "bench");
        }
        std::memset(key, 7, kKey);
        return kKey;
    }

    int fd_;
    std::unique_ptr<SSL, decltype(&SSL_free)> tls_{nullptr, &SSL_free};
};

// What comes at `from` goes to `to`. Nothing: nothing has come. False: it has ended.
std::optional<bool> pass_on(End& from, End& to) {
    std::array<char, 4096> buffer;
    const auto got = from.receive(buffer);
    if (!got) {
        return std::nullopt;
    }
    return *got > 0 && to.send(buffer.data(), *got);
}

void come_first(int nice) {
    if (nice != 0) {
        ::setpriority(PRIO_PROCESS, 0, nice);
    }
}

// Until one of them ends. They may be the same.
void relay(End& one, End& other, const Options& options) {
    const std::chrono::microseconds look(options.look_us);
    auto awake_until = Clock::now() + look;
    bool first = true;
    for (;;) {
        const auto there = pass_on(one, other);
        const auto back = &one != &other ? pass_on(other, one) : std::nullopt;
        if (!there.value_or(true) || !back.value_or(true)) {
            return;
        }
        const auto now = Clock::now();
        if (there || back) {
            awake_until = now + look;
        } else if (now < awake_until) {
            if (std::exchange(first, false) && options.nice != 0) {
                ::setpriority(PRIO_PROCESS, 0, 0);
            }
            std::this_thread::yield();
        } else {
            come_first(options.nice);
            first = true;
            std::array<pollfd, 2> both{pollfd{one.fd(), POLLIN, 0}, pollfd{other.fd(), POLLIN, 0}};
            ::poll(both.data(), both.size(), -1);
            awake_until = Clock::now() + look;
        }
    }
}

void not_blocking(int fd) { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }

void far(const Options& options) {
    const int listener = listen_at(AF_INET, tcp_address(options.address));
    for (;;) {
        End peer(::accept(listener, nullptr, nullptr));
        at_once(peer.fd());
        if (options.tls) {
            peer.encrypt(/*client=*/false);
        }
        not_blocking(peer.fd());
        relay(peer, peer, options);
    }
}

void near(const Options& options) {
    sockaddr_un path{};
    path.sun_family = AF_UNIX;
    std::strncpy(path.sun_path, options.socket.c_str(), sizeof(path.sun_path) - 1);
    const auto address = tcp_address(options.address);
    ::unlink(path.sun_path);  // of one before
    const int listener = listen_at(AF_UNIX, path);
    for (;;) {
        End client(::accept(listener, nullptr, nullptr));
        End peer(::socket(AF_INET, SOCK_STREAM, 0));
        if (::connect(peer.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) !=
            0) {
            give_up("connect");
        }
        at_once(peer.fd());
        if (options.tls) {
            peer.encrypt(/*client=*/true);
        }
        not_blocking(peer.fd());
        relay(client, peer, options);
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
    app.add_option("--nice", options.nice);
    app.add_flag("--tls", options.tls);
    app.add_subcommand("far")->callback([&] {
        come_first(options.nice);
        far(options);
    });
    auto* command = app.add_subcommand("near");
    command->add_option("--socket", options.socket)->required();
    command->callback([&] {
        come_first(options.nice);
        near(options);
    });
    app.require_subcommand(1);
    CLI11_PARSE(app, argc, argv);
    return 0;
}
