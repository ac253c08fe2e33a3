// A client of the lock manager, as fast as the protocol allows, and the bare Unix socket beside it.
//
//     lock_load --socket PATH serve              the socket's peer: sends back what comes
//     lock_load --socket PATH echo --count N     round trips of a request's size
//     lock_load --socket PATH lock --count N     a lock and its release, one after the other
//     lock_load --socket PATH hold --count N --name P      P0, P1, ... in NL until its input ends
//     lock_load --socket PATH convert --count N --name P   NL to EX of those, that others know
//     lock_load --socket PATH probe --count N --name P     NL to CR and back until its input ends
//     lock_load --socket PATH pairs --seconds S --at-once N   locks and releases under way together
//
// `serve`, `hold` and `probe` say "ready". The others print a Report.

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "../src/report.hpp"
#include "lockmgr/protocol/client_link.hpp"

namespace quorate::bench {
namespace {

using namespace lockmgr;

struct Options {
    std::string socket;
    std::string name = "bench/";
    std::size_t count = 1000;
    std::size_t at_once = 64;
    double seconds = 5;
};

[[noreturn]] void give_up(const char* what) {
    std::perror(what);
    std::exit(1);
}

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    return address;
}

int connect_to(const std::string& path) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    const auto address = address_of(path);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
        give_up(path.c_str());
    }
    return fd;
}

void send_all(int fd, std::string& bytes) {
    for (std::size_t done = 0; done < bytes.size();) {
        const auto sent = ::send(fd, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
        if (sent <= 0) {
            give_up("send");
        }
        done += static_cast<std::size_t>(sent);
    }
    bytes.clear();
}

class Client {
public:
    explicit Client(const std::string& path) : fd_(connect_to(path)) {
        link.hello(0);
        send();
        next();
    }
    ~Client() { ::close(fd_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void send() { send_all(fd_, link.out()); }
    wire::Answer next() {
        for (;;) {
            auto answer = link.next();
            if (!answer) {
                give_up("rubbish");
            }
            if (*answer) {
                return std::move(**answer);
            }
            const auto got = ::recv(fd_, buffer_.data(), buffer_.size(), 0);
            if (got <= 0) {
                give_up("receive");
            }
            link.receive({buffer_.data(), static_cast<std::size_t>(got)});
        }
    }
    wire::Completion completion() {
        for (;;) {
            auto answer = next();
            if (auto* done = std::get_if<wire::Completion>(&answer)) {
                return std::move(*done);
            }
        }
    }
    ClientLink::Begun begin(std::string_view name, LockMode mode) {
        wire::Enqueue enqueue;
        enqueue.domain = "bench";
        enqueue.name = name;
        enqueue.mode = mode;
        return link.enqueue(enqueue);
    }

    ClientLink link;

private:
    int fd_;
    std::array<char, 64 * 1024> buffer_;
};

double micros(Clock::duration time) {
    return std::chrono::duration<double, std::micro>(time).count();
}

void report_times(std::vector<double> times) {
    std::sort(times.begin(), times.end());
    Report report;
    report.count("count", times.size());
    report.number("median_us", times[times.size() / 2]);
    report.number("p99_us", times[times.size() * 99 / 100]);
    report.print();
}

int serve(const Options& options) {
    const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
    const auto address = address_of(options.socket);
    if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
        ::listen(listener, 4) != 0) {
        give_up("listen");
    }
    std::puts("ready");
    std::fflush(stdout);
    std::array<char, 4096> buffer;
    for (;;) {
        const int fd = ::accept(listener, nullptr, nullptr);
        for (;;) {
            const auto got = ::recv(fd, buffer.data(), buffer.size(), 0);
            if (got <= 0 ||
                ::send(fd, buffer.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) != got) {
                break;
            }
        }
        ::close(fd);
    }
}

int echo(const Options& options) {
    const int fd = connect_to(options.socket);
    std::array<char, 64> buffer{};
    std::vector<double> times;
    for (std::size_t turn = 0; turn < options.count; ++turn) {
        const auto begun = Clock::now();
        if (::send(fd, buffer.data(), 41, MSG_NOSIGNAL) != 41 ||
            ::recv(fd, buffer.data(), 41, MSG_WAITALL) != 41) {
            give_up("echo");
        }
        times.push_back(micros(Clock::now() - begun));
    }
    report_times(std::move(times));
    return 0;
}

int lock(const Options& options) {
    Client client(options.socket);
    std::vector<double> times;
    for (std::size_t turn = 0; turn < options.count; ++turn) {
        const auto begun = Clock::now();
        const auto lock = client.begin(options.name, LockMode::EX);
        client.send();
        client.completion();
        times.push_back(micros(Clock::now() - begun));
        client.link.ask(wire::Dequeue{0, lock.lock, 0, {}});
        client.send();
        client.completion();
    }
    report_times(std::move(times));
    return 0;
}

std::vector<wire::LockNumber> take_all(Client& client, const Options& options) {
    std::vector<wire::LockNumber> locks;
    for (std::size_t i = 0; i < options.count; ++i) {
        locks.push_back(client.begin(options.name + std::to_string(i), LockMode::NL).lock);
        client.send();
        client.completion();
    }
    return locks;
}

int convert(const Options& options) {
    Client client(options.socket);
    std::vector<double> times;
    for (const auto lock : take_all(client, options)) {
        const auto begun = Clock::now();
        client.link.ask(wire::Convert{0, lock, LockMode::EX, 0, 0, {}});
        client.send();
        client.completion();
        times.push_back(micros(Clock::now() - begun));
    }
    report_times(std::move(times));
    return 0;
}

int hold(const Options& options) {
    Client client(options.socket);
    take_all(client, options);
    std::puts("ready");
    std::fflush(stdout);
    while (std::getchar() != EOF) {
    }
    return 0;
}

double unix_ms() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration<double, std::milli>(now).count();
}

bool input_ended() {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    return ::poll(&input, 1, 0) != 0;
}

// NL to CR and back, one after the other, until its input ends: how long the longest took, and when
// the last one that had to wait was done.
int probe(const Options& options) {
    constexpr double kWaitMs = 20;
    Client client(options.socket);
    const auto locks = take_all(client, options);
    std::puts("ready");
    std::fflush(stdout);
    double longest = 0;
    double last_done = 0;
    for (std::size_t turn = 0; !input_ended(); ++turn) {
        const auto lock = locks[turn / 2 % locks.size()];
        const auto begun = Clock::now();
        client.link.ask(
            wire::Convert{0, lock, turn % 2 == 0 ? LockMode::CR : LockMode::NL, 0, 0, {}});
        client.send();
        client.completion();
        const auto took = micros(Clock::now() - begun) / 1000;
        longest = std::max(longest, took);
        last_done = took >= kWaitMs ? unix_ms() : last_done;
    }
    Report report;
    report.number("longest_ms", longest);
    report.number("last_waiter_done_unix_ms", last_done);
    report.print();
    return 0;
}

// Each pair is a lock and its release in one write; as many are under way as `at_once` says.
int pairs(const Options& options) {
    Client client(options.socket);
    const auto name = options.name + std::to_string(::getpid()) + "/";
    constexpr std::size_t kNames = 64;
    // A release that comes before the grant is refused: from here on this node is their master.
    Options kept = options;
    kept.name = name;
    kept.count = kNames;
    take_all(client, kept);
    const auto end = Clock::now() + std::chrono::duration<double>(options.seconds);
    const auto begun = Clock::now();
    std::uint64_t done = 0;
    while (Clock::now() < end) {
        for (std::size_t i = 0; i < options.at_once; ++i) {
            const auto lock = client.begin(name + std::to_string(i % kNames), LockMode::EX);
            client.link.ask(wire::Dequeue{0, lock.lock, 0, {}});
        }
        client.send();
        for (std::size_t i = 0; i < 2 * options.at_once; ++i) {
            const auto status = client.completion().outcome.status;
            if (status != LockStatus::kGranted && status != LockStatus::kUnlocked) {
                std::fputs("a lock or release was refused\n", stderr);
                return 1;
            }
        }
        done += options.at_once;
    }
    Report report;
    report.number(
        "pairs_per_second",
        static_cast<double>(done) / std::chrono::duration<double>(Clock::now() - begun).count());
    report.print();
    return 0;
}

}  // namespace
}  // namespace quorate::bench

int main(int argc, char** argv) {
    using namespace quorate::bench;
    CLI::App app("a client of the lock manager");
    Options options;
    app.add_option("--socket", options.socket)->required();
    int (*chosen)(const Options&) = nullptr;
    const auto add = [&](const char* name, int (*run)(const Options&)) {
        auto* command = app.add_subcommand(name);
        command->add_option("--count", options.count);
        command->add_option("--name", options.name);
        command->add_option("--seconds", options.seconds);
        command->add_option("--at-once", options.at_once);
        command->callback([&chosen, run] { chosen = run; });
    };
    add("serve", serve);
    add("echo", echo);
    add("lock", lock);
    add("convert", convert);
    add("hold", hold);
    add("probe", probe);
    add("pairs", pairs);
    app.require_subcommand(1);
    CLI11_PARSE(app, argc, argv);
    return chosen(options);
}
