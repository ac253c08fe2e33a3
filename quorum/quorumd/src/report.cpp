#include "report.hpp"

#include <fmt/core.h>
#include <boost/json/array.hpp>

#include "device_change.hpp"
#include "io/time.hpp"

namespace quorate::quorum {
namespace {

namespace json = boost::json;

std::int64_t milliseconds_of(std::chrono::microseconds time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

json::object of_ring(RingId ring) {
    return {{"node_id", ring.node.value()}, {"sequence", ring.sequence}};
}

json::array of_nodes(NodeSet nodes) {
    json::array list;
    for (std::uint32_t n = 1; n <= kMaxNodes; ++n) {
        if (nodes.has(NodeId(n))) {
            list.push_back(n);
        }
    }
    return list;
}

json::object of_votes(const VoteCount& count) {
    return {{"expected", count.expected},  {"total", count.total},
            {"quorum", count.quorum},      {"disk", count.device},
            {"device", count.device_name}, {"device_alive", count.alive},
            {"device_casts", count.casts}, {"quorate", count.quorate}};
}

std::string problem_of(const DiskBench::Place& place) {
    return !place.problem.empty()        ? place.problem
           : !place.read_problem.empty() ? "reading: " + place.read_problem
           : place.write_problem.empty() ? std::string()
                                         : "writing: " + place.write_problem;
}

json::array of_disks(const DiskBench& bench) {
    json::array list;
    for (const auto* place : bench.places()) {
        list.push_back(json::object{{"path", place->disk.path},
                                    {"uuid", place->disk.uuid.to_hex()},
                                    {"opened", place->opened != nullptr},
                                    {"problem", problem_of(*place)},
                                    {"reads", place->reads},
                                    {"writes", place->writes},
                                    {"errors", place->errors},
                                    {"late", place->late},
                                    {"last_io_us", place->last.count()}});
    }
    return list;
}

// A node as its page shows it.
json::object of_node(const ConfNode& node, const VoterShell& voter, const VoterStatus& status,
                     BootTime now) {
    const NodeId id(node.id);
    json::object row{{"id", node.id},
                     {"name", node.name},
                     {"votes", node.votes},
                     {"member", status.members.has(id)},
                     {"silent", status.silent.has(id)}};
    const auto seen = voter.board().heartbeat(id);
    row["known"] = seen.has_value();
    if (!seen) {
        return row;
    }
    const auto& page = seen->page;
    row["state"] = text_of(page.state);
    row["watcher"] = page.trusted;
    row["stopped"] = page.stopped;
    row["fenced"] = !status.members.has(id) && voter.proven_over(id) == page.incarnation;
    row["counter"] = seen->sequence;
    row["changed_ms_ago"] = seen->changed ? milliseconds_of(now - *seen->changed) : -1;
    row["incarnation"] = fmt::format("{:016x}", page.incarnation.value());
    row["ring"] = of_ring(page.ring);
    row["held"] = page.held.value();
    row["released"] = page.released.value();
    row["holds"] = page.held > page.released;
    row["wards"] = of_nodes(page.wards);
    row["score"] = page.score;
    row["step"] = page.disk_step;
    return row;
}

json::object of_timing(const Timing& timing) {
    return {{"mode", timing.mode() == StopMode::kSoft ? "soft" : "watchdog"},
            {"heartbeat_ms", timing.heartbeat.count()},
            {"late_io_ms", timing.late_io.count()},
            {"lease_ms", timing.lease.count()},
            {"poll_ms", timing.poll.count()},
            {"timeout_ms", timing.vote_timeout.count()},
            {"sync_timeout_ms", timing.sync_timeout.count()},
            {"watchdog_ms", timing.watchdog.count()},
            {"silence_ms", timing.silence.count()}};
}

json::array of_heuristics(const Heuristics& heuristics) {
    json::array list;
    for (const auto& row : heuristics.rows()) {
        const auto ago = io::mono_now() - row.ended;
        list.push_back(json::object{{"name", row.heuristic.name},
                                    {"score", row.heuristic.score},
                                    {"ok", row.last && row.last->ok},
                                    {"text", row.last ? row.last->text : "not run yet"},
                                    {"runs", row.runs},
                                    {"ended_ms_ago", row.last ? ago.count() : -1}});
    }
    return list;
}

void add_voter(json::object& body, const Parts& parts) {
    const auto now = io::exact_boot_now();
    const auto status = parts.voter->status();
    body["state"] = text_of(status.state);
    body["reason"] = status.reason;
    body["incarnation"] = fmt::format("{:016x}", parts.voter->options().incarnation.value());
    body["ring"] = of_ring(status.ring);
    body["members"] = of_nodes(status.members);
    body["watcher"] = status.trusted;
    // Right after a thaw the voter has not looked at the time yet.
    body["casting"] = status.casting && status.lease && *status.lease > now;
    body["epoch"] = status.epoch.value();
    body["held"] = status.held.value();
    body["released"] = status.released.value();
    body["lease_ms"] = status.lease ? milliseconds_of(*status.lease - now) : 0;
    body["votes"] = of_votes(parts.votes->count());
    body["corosync_problem"] = parts.votes->problem();
    body["disks"] = of_disks(*parts.disks);
    body["score"] = parts.heuristics->score();
    body["heuristics"] = of_heuristics(*parts.heuristics);
    json::array nodes;
    for (const auto& node : parts.conf->nodes) {
        auto row = of_node(node, *parts.voter, status, now);
        if (parts.peers && node.id != parts.conf->local) {
            row["peer_problem"] = parts.peers->problem(NodeId(node.id));
        }
        nodes.push_back(std::move(row));
    }
    body["nodes"] = std::move(nodes);
}

}  // namespace

json::object report_quorum(const Parts& parts) {
    json::object body{{"voting", parts.voter != nullptr},
                      {"waiting", parts.waiting},
                      {"no_peers", parts.no_peers}};
    if (parts.conf) {
        const auto* self = parts.conf->find(parts.conf->local);
        body["cluster"] = parts.conf->cluster;
        body["node_id"] = parts.conf->local;
        body["node"] = self == nullptr ? "" : self->name;
        body["device"] = to_json(parts.conf->device);
        json::array configured;
        for (const auto& node : parts.conf->nodes) {
            configured.push_back(
                json::object{{"id", node.id}, {"name", node.name}, {"votes", node.votes}});
        }
        body["configured"] = std::move(configured);
    }
    if (parts.settings) {
        body["cluster_uuid"] = parts.settings->cluster.to_hex();
        body["disk_votes"] = parts.settings->votes;
        body["step"] = parts.settings->step;
        body["timing"] = of_timing(parts.settings->timing);
    }
    if (parts.voter) {
        add_voter(body, parts);
    }
    return body;
}

}  // namespace quorate::quorum
