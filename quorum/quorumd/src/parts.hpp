#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "config.hpp"
#include "disk_bench.hpp"
#include "event_list.hpp"
#include "heuristics.hpp"
#include "io/control_router.hpp"
#include "io/scope.hpp"
#include "io/thread_pool.hpp"
#include "peers.hpp"
#include "quorum/io/device_settings.hpp"
#include "quorum/io/live_conf.hpp"
#include "quorum/io/watchdog.hpp"
#include "voter_shell.hpp"
#include "voter_socket.hpp"
#include "votes.hpp"

namespace quorate::quorum {

// What the daemon consists of, for those of its parts that look at others: the control API and the
// metrics. What is null is not there yet.
struct Parts {
    Parts(boost::asio::io_context& io_in, Config config_in)
        : io(io_in),
          config(std::move(config_in)),
          scope(io_in),
          corosync(io_in, {"corosync", 1, 1000}),
          questions(io_in, {"ask", 1, 1000}) {}

    boost::asio::io_context& io;
    Config config;
    io::Scope scope;
    io::ThreadPool corosync;   // polls
    io::ThreadPool questions;  // everything else that is asked of Corosync or of files
    EventList events;
    WallTime started;
    std::string waiting;  // why this node does not vote yet; empty: it does
    std::optional<LiveConf> conf;
    std::optional<DeviceSettings> settings;
    std::unique_ptr<DiskBench> disks;
    std::unique_ptr<Votes> votes;
    std::unique_ptr<Watchdog> watchdog;
    std::unique_ptr<VoterShell> voter;
    std::unique_ptr<Heuristics> heuristics;
    std::unique_ptr<VoterSocket> clients;  // null when clusterd does not listen
    io::ControlRouter requests;            // of the other nodes' quorumds
    std::unique_ptr<cluster::PeerKeys> keys;
    std::unique_ptr<Peers> peers;  // null without a key
    std::string no_peers;          // why
};

}  // namespace quorate::quorum
