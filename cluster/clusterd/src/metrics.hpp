#pragma once

#include "chronicle.hpp"
#include "fencer_desk.hpp"
#include "io/busy_poll.hpp"
#include "io/metrics.hpp"
#include "lockmgr/lock_manager.hpp"
#include "machine_shell.hpp"
#include "peer_listener.hpp"
#include "ping.hpp"

namespace quorate::cluster {

// Everything is read when somebody asks; what it reads from outlives `metrics`' use.
void add_metrics(io::Metrics& metrics, const MachineShell& machine, const PeerListener& listener,
                 const Chronicle& chronicle);

// The lock manager's own; LockClients adds those of its clients.
void add_lock_metrics(io::Metrics& metrics, const lockmgr::LockManager& manager);
void add_ping_metrics(io::Metrics& metrics, const Ping& ping);
void add_busy_poll_metrics(io::Metrics& metrics, const io::BusyPollCounts& counts);
void add_fencer_metrics(io::Metrics& metrics, const FencerDesk& desk);

}  // namespace quorate::cluster
