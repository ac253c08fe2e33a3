#pragma once

#include <memory>
#include <optional>
#include <string>

#include "bound_mark.hpp"
#include "io/control_server.hpp"
#include "io/daemon.hpp"
#include "io/event.hpp"
#include "io/metrics.hpp"
#include "parts.hpp"
#include "seen_file.hpp"

namespace quorate::quorum {

// Exit code when everything must begin anew with another configuration (EX_TEMPFAIL).
inline constexpr int kExitAnew = 75;

// The daemon, wired: waits until Corosync has a quorum device of ours, then votes until it is
// stopped.
//
//     Quorumd quorumd(daemon, config);
//     quorumd.open();
//     daemon.run([&] { quorumd.stop(); }, ...);
//     quorumd.exit_code();
//
// Thread rule: io thread.
class Quorumd {
public:
    Quorumd(io::Daemon& daemon, Config config);
    ~Quorumd();

    // Errors: errc::refused, the operator's; errno's values.
    Status open();
    void stop() { end_with(io::kExitOk); }
    int exit_code() const { return exit_code_; }

private:
    boost::asio::awaitable<void> live();
    boost::asio::awaitable<bool> await_configuration();
    void use_nodes();
    boost::asio::awaitable<Status> begin();
    boost::asio::awaitable<Status> register_device();
    boost::asio::awaitable<Status> open_disks();
    Status check_conf();
    Configured configured() const;
    void open_clients(Incarnation incarnation);
    Status open_watchdog();
    void start_voter();
    boost::asio::awaitable<void> follow_configuration();
    boost::asio::awaitable<void> reread();
    void change(LiveConf conf, DeviceSettings settings);
    void on_evicted(bool fenced, const std::string& why);
    void end_with(int exit_code);
    boost::asio::awaitable<void> end();
    boost::asio::awaitable<void> leave();

    io::Daemon& daemon_;
    Logger log_{};
    io::Metrics metrics_;
    Parts parts_;
    BoundMark bound_mark_;
    SeenFile seen_file_;
    io::Event conf_changed_;
    std::unique_ptr<ConfWatch> watch_;
    bool watch_lost_ = false;
    std::unique_ptr<io::ControlServer> control_;
    int exit_code_ = io::kExitOk;
    bool ending_ = false;
};

}  // namespace quorate::quorum
