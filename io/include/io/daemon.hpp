#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>

#include "base/result.hpp"
#include "io/busy_poll.hpp"

namespace quorate::io {

// Exit codes of our daemons (sysexits.h where it has one).
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 64;
inline constexpr int kExitConfig = 78;  // the operator must change something; restarting is useless

struct DaemonArguments {
    std::string root = "/";   // --root, or QUORATE_ROOT; the working directory from then on
    std::string config;       // --config; default etc/quorate/quorate.toml below the root
    bool check_only = false;  // --check: read the configuration, say what is wrong, exit
};

// Reads the command line. Prints usage or version and exits where that was asked for or the line is
// wrong.
DaemonArguments parse_daemon_arguments(int argc, char** argv, std::string_view name,
                                       std::string_view version);

// Signals and the service manager of a daemon with one io_context on one thread.
//
//     Daemon daemon;                       blocks SIGPIPE; from here on SIGTERM, SIGINT and SIGHUP
//     come as callbacks
//     ... open everything ...
//     daemon.run(on_stop, on_reload);      READY=1; returns when on_stop's work has called finish()
//
// A second SIGTERM or SIGINT ends the process at once.
class Daemon {
public:
    Daemon();
    ~Daemon();

    boost::asio::io_context& io() { return io_; }
    void run(std::function<void()> on_stop, std::function<void()> on_reload);
    // How run() waits (io/busy_poll.hpp); zero, the default: asleep. Before run().
    void busy_poll(std::chrono::microseconds window) { busy_poll_ = window; }
    const BusyPollCounts& busy_poll_counts() const { return counts_; }
    // Ends run(). io thread.
    void finish();

private:
    struct Impl;
    boost::asio::io_context io_{1};
    std::chrono::microseconds busy_poll_{0};
    BusyPollCounts counts_;
    std::unique_ptr<Impl> impl_;
};

// One datagram to the service manager (sd_notify(3)); nothing when there is none.
void notify_service_manager(std::string_view state);

}  // namespace quorate::io
