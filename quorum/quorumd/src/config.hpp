#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "heuristic.hpp"

namespace quorate::quorum {

// quorumd's part of quorate.toml, the table [quorum]: what differs between nodes. What they must
// have in common is in corosync.conf (quorum/io/device_settings.hpp). quorumd(8) describes every
// key. Without a file everything is as here.
struct Config {
    std::vector<std::string> disks;  // their paths on this node; empty: those of corosync.conf
    std::string watchdog = "/dev/watchdog";
    std::string corosync_conf = "/etc/corosync/corosync.conf";
    std::uint16_t port = 5411;  // of the other nodes' quorumds, and of this one's
    std::string key_file;       // empty: the cluster key, or Corosync's
    bool clusterd = false;      // clusterd listens: votes are published, and released accordingly
    bool reset_when_fenced = true;
    std::vector<Heuristic> heuristics;
    std::string group;  // whose members may use the control API; empty: root's
    LogLevel log_level = LogLevel::kInfo;
};

// Errors name file and line; an unknown key is an error.
Result<Config> read_config(const std::string& path);

}  // namespace quorate::quorum
