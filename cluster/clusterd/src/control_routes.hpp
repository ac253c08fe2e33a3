#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "conf_change.hpp"
#include "conf_file.hpp"
#include "config.hpp"
#include "event_log.hpp"
#include "fencers.hpp"
#include "io/control_router.hpp"
#include "io/control_server.hpp"
#include "io/metrics.hpp"
#include "lock_clients.hpp"
#include "lock_shell.hpp"
#include "machine_shell.hpp"
#include "nodes.hpp"
#include "ping.hpp"
#include "survey.hpp"

namespace quorate::cluster {

// What the control API works on. Thread rule: io thread.
struct ControlContext {
    boost::asio::io_context& io;
    const Config& config;
    io::ThreadPool& workers;
    MachineShell& machine;
    const GroupShell* group;  // null when solo
    Chronicle& chronicle;
    EventLog& events;
    Ping& ping;
    Nodes& nodes;
    ConfFile& conf;
    ConfChange& change;
    Survey& survey;
    Fencers& fencers;
    Hand* hand;  // null when solo and commands are off
    const io::Metrics& metrics;
    std::string fingerprint;  // of the cluster key; empty when solo
    WallTime started;
    std::size_t requests = 0;  // under way
    bool stopping = false;
};

// clusterd's part of the control API, docs/protocols/control.md: for callers on this machine, and
// what of it other nodes may ask. Each function adds its routes.
class ControlRoutes {
public:
    ControlRoutes(ControlContext& context, io::ControlServer& local, io::ControlRouter& peers)
        : context_(context), local_(local), peers_(peers) {}

    enum class Audience { kLocal, kPeers, kBoth };
    // The daemon waits at its end for requests under way.
    void add(Audience audience, std::string method, std::string pattern,
             io::ControlHandler handler);
    ControlContext& context() const { return context_; }

private:
    ControlContext& context_;
    io::ControlServer& local_;
    io::ControlRouter& peers_;
};
void add_status_routes(ControlRoutes& routes);
void add_node_routes(ControlRoutes& routes);     // drain, commands, corosync.conf
void add_cluster_routes(ControlRoutes& routes);  // votes, level, nodes that come and go
void add_lock_routes(ControlRoutes& routes, const LockShell& shell, const LockClients& clients);
void add_forward_routes(ControlRoutes& routes);  // other nodes, ping
void add_fencer_routes(ControlRoutes& routes);
void add_relay_routes(ControlRoutes& routes);  // shadowd's, for other nodes

// ---- what they share

// 409 for errc::refused, 502 for a peer that does not answer, else 500; the message is the detail.
io::ControlResponse to_response(const Error& error);
// The caller is root of this machine, or a peer, which speaks for the root of its own.
bool is_root_caller(const io::ControlRequest& request);
io::ControlResponse root_only();
std::string text_field(const boost::json::object& body, const char* key);  // throws when it is none
// How long a command may run: "timeout_seconds", else 60.
inline constexpr std::int64_t kCommandSecondsMax = 3600;
// Of a command that is passed on: who wants it there, {"node", "uid"}.
inline constexpr const char* kAskedBy = "asked_by";
struct Asker {
    std::uint32_t uid = 0;
    std::string node;
};
std::string asker_text(const Asker& asker);
// As one line, of at most 1,000 octets.
std::string words_for_log(const std::vector<std::string>& words);
std::int64_t command_seconds(const boost::json::object& body);

}  // namespace quorate::cluster
