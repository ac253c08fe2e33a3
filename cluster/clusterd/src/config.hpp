#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "lockmgr/types.hpp"

namespace quorate::cluster {

// clusterd's part of quorate.toml, the table [cluster]; clusterd(8) describes every key. Paths are
// relative to the root directory.
struct Config {
    std::string name;  // the cluster's
    std::string node;  // this machine's, as corosync.conf has it
    bool solo = false;
    std::vector<std::string> addresses;  // of the interconnect, one per ring
    std::uint32_t directory_weight = 1;
    std::chrono::milliseconds lease{1500};
    std::chrono::microseconds busy_poll{50};  // io/busy_poll.hpp
    std::string key_file = "etc/quorate/cluster.key";
    std::string corosync_conf = "/etc/corosync/corosync.conf";
    bool run_commands = false;
    std::string user;   // to become, when started as root
    std::string group;  // whose members may use the control API; empty: the user's own
    LogLevel log_level = LogLevel::kInfo;

    struct Locks {
        std::uint32_t clients_max = 4096;      // programs connected to the lock manager
        std::uint32_t client_patience_s = 30;  // with one that does not read its answers
        std::uint32_t client_locks_max = 1'000'000;
        std::uint32_t locks_max = 8'000'000;  // on this node
        std::uint32_t trace_bytes = 4 << 20;  // of the lock manager's newest inputs; 0: none
        std::vector<lockmgr::Domain> domains;
    } locks;
};

// Errors name file and line; an unknown key is an error.
Result<Config> read_config(const std::string& path);

}  // namespace quorate::cluster
