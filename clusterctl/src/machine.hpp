#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api.hpp"
#include "plan.hpp"
#include "services.hpp"

// This machine as a node of a cluster: its files, its addresses, its services.
namespace quorate::ctl {

inline constexpr std::uint16_t kInterconnectPort = 5410;
inline constexpr const char* kCorosyncConf = "/etc/corosync/corosync.conf";

// What an operator says of this machine.
struct NodeOptions {
    std::string node;                    // default: the host's name
    std::vector<std::string> addresses;  // one per ring
    std::uint16_t port = kInterconnectPort;
    std::string corosync_conf;
    bool no_start = false;
    std::uint64_t wait_seconds = 60;
};

// The files of a node; where they are says quorate.toml, if it is there.
class Machine {
public:
    Machine(const Context& context, const NodeOptions& options);

    const std::string& node() const { return node_; }
    const std::string& config_file() const { return config_file_; }
    const std::string& key_file() const { return key_file_; }
    const std::string& corosync_conf() const { return corosync_conf_; }
    std::string authkey_file() const;
    // This machine's addresses on the interconnect, with the port.
    std::vector<std::string> interconnect() const;
    ClusterServices services() const { return {root_, corosync_conf_}; }

    // Names and addresses are sound and this machine's own, its files can be written, nothing runs
    // that would be disturbed. Failures say what to do.
    void check() const;
    // Steps that write corosync.conf, Corosync's key and [cluster] of quorate.toml. The texts may
    // be filled in by an earlier step.
    struct Files {
        std::string cluster;
        std::string corosync_conf;
        std::string authkey;  // empty: Corosync needs none
    };
    void add_files(Plan& plan, const Files& files) const;
    void add_start(Plan& plan) const;
    // Says what to start where nobody does, then waits until this node is a member.
    void await_membership(const Context& context) const;
    // [cluster] membership = "solo", and corosync.conf out of the way.
    void add_retirement(Plan& plan) const;

private:
    void check_addresses() const;
    void check_nothing_runs() const;
    std::string changed_config(const std::vector<std::pair<std::string, std::string>>& keys) const;

    const NodeOptions& options_;
    const Api& clusterd_;
    std::string root_;
    std::string node_;
    std::string config_file_;
    std::string key_file_;
    std::string corosync_conf_;
    bool corosync_conf_is_default_ = true;
};

// A name of a cluster or node: letters, digits, '.', '_', '-'.
void check_name(const std::string& what, const std::string& name);

}  // namespace quorate::ctl
