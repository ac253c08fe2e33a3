#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "chronicle.hpp"
#include "cluster/machine.hpp"
#include "config.hpp"
#include "fencer_desk.hpp"
#include "group_shell.hpp"
#include "survey.hpp"

namespace quorate::cluster {

// The cluster as this node sees it, for GET /v1/cluster. A pure function of what it is given.
struct ReportSources {
    const Config& config;
    const MachineStatus& status;
    const Survey::Findings& findings;
    const Chronicle& chronicle;
    const Nodes& nodes;
    const FencerDesk& fencers;
    const GroupShell* group = nullptr;  // null when solo
    std::string fingerprint;            // of the key; empty when solo
    bool stopping = false;
    // Seconds since 1970; 0: never.
    std::int64_t last_transition = 0;
    std::int64_t formed = 0;
    std::int64_t time = 0;  // of the report
};
boost::json::object report_cluster(const ReportSources& sources);

// "forming", "running", "stalled", "expelled", "stopping", and why.
struct StateText {
    std::string state;
    std::string reason;
};
StateText state_of(const ReportSources& sources);

}  // namespace quorate::cluster
