#pragma once

#include <string>
#include <vector>

namespace quorate::ctl {

// Corosync and clusterd as services of this machine. With systemd they are started and stopped
// through it; without, the operator is told what to start or stop, and waited for.
struct ClusterServices {
    std::string root;           // clusterd's
    std::string corosync_conf;  // absolute

    static bool systemd_runs();
    // A process of this name is there, in our PID namespace.
    static bool runs(const std::string& program);

    // In order, also at the next boot. A Failure says what could not be started.
    void start() const;
    void stop() const;
    // What a person has to type where systemd does not run.
    std::vector<std::string> start_commands() const;
};

}  // namespace quorate::ctl
