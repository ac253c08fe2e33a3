#pragma once

#include <memory>
#include <optional>
#include <string>

#include "chronicle.hpp"
#include "conf_change.hpp"
#include "config.hpp"
#include "control_routes.hpp"
#include "event_log.hpp"
#include "group_shell.hpp"
#include "interconnect.hpp"
#include "io/control_server.hpp"
#include "io/daemon.hpp"
#include "io/scope.hpp"
#include "lock_clients.hpp"
#include "machine_shell.hpp"
#include "peer_listener.hpp"
#include "ping.hpp"

namespace quorate::cluster {

// Exit code of an incarnation that the others went on without: start anew (EX_TEMPFAIL).
inline constexpr int kExitExpelled = 75;

// Everything the daemon consists of, wired: opened in order, closed in the reverse one.
//
//     Clusterd clusterd(daemon, config);
//     clusterd.open();            binds, splits off the privileged hand, gives up root, joins
//     daemon.run([&] { clusterd.stop(); }, ...);
//     clusterd.exit_code();
//
// Thread rule: io thread.
class Clusterd {
public:
    Clusterd(io::Daemon& daemon, Config config);
    ~Clusterd();

    // Errors: io::Errc::kUsage, kConfig, kAddress and those of a damaged floor: the operator's;
    // errno's values.
    Status open();
    // Leaves the cluster, ends the daemon's run().
    void stop();
    int exit_code() const { return exit_code_; }

private:
    struct Parts;

    Status open_conf();
    Status open_keys();
    Status open_as_root();
    Status open_parts();
    Status open_control();
    Status open_locks();
    lockmgr::LockManagerOptions lock_options(MemberId self) const;
    Result<MachineOptions> machine_options() const;
    void start_machine(std::optional<Floor> floor);
    boost::asio::awaitable<void> compare_lease();
    void on_expelled();
    void on_wrong_node(std::uint32_t local_node);
    void end_with(int exit_code);
    boost::asio::awaitable<void> end();

    io::Daemon& daemon_;
    Config config_;
    Logger log_{};
    io::Scope background_;
    io::Metrics metrics_;
    std::vector<CorosyncConf::Node> configured_;
    std::optional<ClusterKey> key_;
    std::optional<PeerKeys> keys_;
    NodeId node_;
    std::unique_ptr<Hand> hand_;
    std::vector<io::Listener> listeners_;
    std::unique_ptr<Parts> parts_;  // what exists only after root was given up
    std::unique_ptr<io::ControlServer> control_;
    int exit_code_ = io::kExitOk;
    bool ending_ = false;
};

}  // namespace quorate::cluster
