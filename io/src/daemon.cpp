#include "io/daemon.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/log.hpp"
#include "base/text.hpp"

namespace quorate::io {

namespace asio = boost::asio;

namespace {

[[noreturn]] void usage(std::string_view name, int code) {
    std::FILE* out = code == 0 ? stdout : stderr;
    std::fprintf(out,
                 "usage: %.*s [--root DIR] [--config FILE] [--check] [--version]\n"
                 "  --root DIR     folder below which configuration, state and sockets live "
                 "(QUORATE_ROOT, else /)\n"
                 "  --config FILE  default etc/quorate/quorate.toml below the root\n"
                 "  --check        read the configuration, say what is wrong, exit 0 or 78\n",
                 static_cast<int>(name.size()), name.data());
    std::exit(code);
}

// Half the interval that the service manager asks for (sd_watchdog_enabled(3)); zero when it does
// not ask.
std::chrono::microseconds watchdog_interval() {
    const char* text = std::getenv("WATCHDOG_USEC");
    const auto value = text == nullptr ? std::nullopt : parse_u64(text);
    return std::chrono::microseconds(value.value_or(0) / 2);
}

}  // namespace

DaemonArguments parse_daemon_arguments(int argc, char** argv, std::string_view name,
                                       std::string_view version) {
    DaemonArguments arguments;
    if (const char* root = std::getenv("QUORATE_ROOT")) {
        arguments.root = root;
    }
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        const bool has_value = i + 1 < argc;
        if (option == "--root" && has_value) {
            arguments.root = argv[++i];
        } else if (option == "--config" && has_value) {
            arguments.config = argv[++i];
        } else if (option == "--check") {
            arguments.check_only = true;
        } else if (option == "--version") {
            std::printf("%.*s %.*s\n", static_cast<int>(name.size()), name.data(),
                        static_cast<int>(version.size()), version.data());
            std::exit(0);
        } else {
            usage(name, option == "--help" ? 0 : kExitUsage);
        }
    }
    if (arguments.config.empty()) {
        arguments.config = "etc/quorate/quorate.toml";
    } else if (char* absolute = ::realpath(arguments.config.c_str(), nullptr)) {
        arguments.config = absolute;  // it was meant from where the operator stands
        std::free(absolute);
    }
    return arguments;
}

void notify_service_manager(std::string_view state) {
    const char* path = std::getenv("NOTIFY_SOCKET");
    sockaddr_un address{};
    if (path == nullptr || std::string_view(path).size() >= sizeof(address.sun_path)) {
        return;
    }
    address.sun_family = AF_UNIX;
    const std::string_view name = path;
    name.copy(address.sun_path, name.size());
    if (name.front() == '@') {
        address.sun_path[0] = '\0';
    }
    const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    if (socket >= 0) {
        ::sendto(socket, state.data(), state.size(), MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&address), size);
        ::close(socket);
    }
}

struct Daemon::Impl {
    explicit Impl(asio::io_context& io)
        : work(io.get_executor()), signals(io, SIGTERM, SIGINT, SIGHUP), watchdog(io) {}

    void wait_for_signal() {
        signals.async_wait([this](const boost::system::error_code& error, int number) {
            if (error) {
                return;
            }
            if (number == SIGHUP) {
                notify_service_manager("RELOADING=1");
                on_reload();
                notify_service_manager("READY=1");
            } else if (std::exchange(stopping, true)) {
                Logger().warn("stopped_at_once", "signal", number);
                std::_Exit(kExitFailed);
            } else {
                notify_service_manager("STOPPING=1");
                on_stop();
            }
            wait_for_signal();
        });
    }

    void feed_watchdog() {
        watchdog.expires_after(interval);
        watchdog.async_wait([this](const boost::system::error_code& error) {
            if (!error) {
                notify_service_manager("WATCHDOG=1");
                feed_watchdog();
            }
        });
    }

    asio::executor_work_guard<asio::io_context::executor_type> work;
    asio::signal_set signals;
    asio::steady_timer watchdog;
    std::chrono::microseconds interval = watchdog_interval();
    std::function<void()> on_stop;
    std::function<void()> on_reload;
    bool stopping = false;
};

Daemon::Daemon() {
    std::signal(SIGPIPE, SIG_IGN);
    impl_ = std::make_unique<Impl>(io_);
}

Daemon::~Daemon() = default;

void Daemon::run(std::function<void()> on_stop, std::function<void()> on_reload) {
    impl_->on_stop = std::move(on_stop);
    impl_->on_reload = std::move(on_reload);
    impl_->wait_for_signal();
    if (impl_->interval.count() > 0) {
        impl_->feed_watchdog();
    }
    notify_service_manager("READY=1");
    run_busy(io_, busy_poll_, counts_);
}

void Daemon::finish() {
    impl_->work.reset();
    impl_->signals.cancel();
    impl_->watchdog.cancel();
    io_.stop();
}

}  // namespace quorate::io
