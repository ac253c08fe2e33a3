#include "cluster_report.hpp"

#include <algorithm>
#include <set>

#include <fmt/core.h>
#include <boost/json/array.hpp>

namespace quorate::cluster {
namespace {

namespace json = boost::json;

std::int64_t to_ms(std::chrono::microseconds time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

const char* name_of(LeaseState state) {
    switch (state) {
        case LeaseState::kRunning:
            return "running";
        case LeaseState::kStalled:
            return "stalled";
        case LeaseState::kExpelled:
            return "expelled";
    }
    return "?";
}

json::object member_row(const Member& member) {
    return {{"name", member.name},
            {"node_id", member.id.node.value()},
            {"incarnation", hexadecimal(member.id.incarnation.value())},
            {"software", member.software},
            {"status", "member"},
            {"votes", member.votes},
            {"directory_weight", member.directory_weight},
            {"draining", member.draining},
            {"levels", json::array{member.levels.lowest, member.levels.highest}},
            {"addresses", json::array(member.addresses.begin(), member.addresses.end())}};
}

// A node of which no more is known than its name.
json::object other_row(std::string_view name, NodeId node, std::string_view status,
                       std::string_view incarnation = "") {
    return {{"name", name},
            {"node_id", node.value()},
            {"incarnation", incarnation},
            {"software", ""},
            {"status", status},
            {"votes", 0},
            {"directory_weight", 0},
            {"draining", false},
            {"levels", json::array()},
            {"addresses", json::array()}};
}

json::array members(const ReportSources& from) {
    json::array rows;
    std::set<NodeId> shown;
    if (from.status.view && !from.status.expelled) {
        for (const auto& member : from.status.view->members) {
            rows.push_back(member_row(member));
            shown.insert(member.id.node);
        }
    }
    for (const auto& refusal : from.chronicle.refusals()) {
        if (shown.insert(refusal.node).second) {
            rows.push_back(other_row(refusal.name, refusal.node, "refused"));
        }
    }
    for (const auto& takeover : from.status.takeovers) {
        if (shown.insert(takeover.lost.node).second) {
            rows.push_back(other_row(takeover.name, takeover.lost.node, "lost",
                                     hexadecimal(takeover.lost.incarnation.value())));
        }
    }
    const auto group = from.group == nullptr ? std::vector<GroupMember>() : from.group->members();
    for (const auto& member : group) {
        if (shown.insert(member.node).second) {
            rows.push_back(other_row(from.chronicle.name_of(member.node), member.node, "joining"));
        }
    }
    for (const auto& node : from.nodes.configured()) {
        if (shown.insert(NodeId(node.id)).second) {
            rows.push_back(other_row(node.name, NodeId(node.id), "absent"));
        }
    }
    return rows;
}

json::object votes(const ReportSources& from) {
    std::uint32_t total = 0;
    std::uint32_t quorum = 0;
    std::uint32_t disk = 0;
    if (const auto& view = from.status.view) {
        for (const auto& member : view->members) {
            total += member.votes;
        }
        quorum = view->quorum;
        disk = view->disk_votes;
        total += disk;
    } else if (const auto& found = from.findings.votes) {
        total = found->total_votes;
        quorum = found->quorum;
    }
    return {{"total", total},
            {"expected", from.status.expected_votes},
            {"quorum", quorum},
            {"disk", disk},
            {"device_problem", from.group == nullptr ? "" : from.group->device_problem()}};
}

json::object lease(const LeaseStatus& lease) {
    return {
        {"state", name_of(lease.state)},
        {"reason", lease.reason},
        {"remaining_ms", lease.remaining ? json::value(to_ms(*lease.remaining)) : json::value()},
        {"length_ms", lease.length.count()}};
}

json::object circuit_row(const ReportSources& from, const CircuitStatus& circuit) {
    json::array rings;
    for (const auto& ring : circuit.rings) {
        rings.push_back({{"ring", ring.ring},
                         {"address", ring.address},
                         {"state", ring.up ? "up" : "down"},
                         {"problem", ring.problem},
                         {"round_trip_us",
                          ring.round_trip ? json::value(ring.round_trip->count()) : json::value()},
                         {"carries", ring.carries},
                         {"breaks", from.chronicle.breaks(circuit.peer, ring.ring)}});
    }
    return {{"node", circuit.name},
            {"node_id", circuit.peer.node.value()},
            {"state", circuit.open ? "open" : "closed"},
            {"rings", std::move(rings)},
            {"sent_messages", circuit.sent_messages},
            {"sent_bytes", circuit.sent_bytes},
            {"received_messages", circuit.received_messages},
            {"received_bytes", circuit.received_bytes},
            {"resent_messages", circuit.resent_messages},
            {"refused_messages", circuit.refused_messages},
            {"queued_messages", circuit.queued_messages},
            {"queued_bytes", circuit.queued_bytes},
            {"blocked", circuit.blocked}};
}

json::array links(const ReportSources& from) {
    json::array rows;
    for (const auto& [node, found] : from.findings.links) {
        for (const auto& link : found) {
            rows.push_back({{"node", from.chronicle.name_of(NodeId(node))},
                            {"ring", link.number},
                            {"address", link.remote_address},
                            {"connected", link.connected}});
        }
    }
    return rows;
}

json::array takeovers(const ReportSources& from) {
    json::array rows;
    for (const auto& takeover : from.status.takeovers) {
        rows.push_back({{"node", takeover.name},
                        {"node_id", takeover.lost.node.value()},
                        {"incarnation", hexadecimal(takeover.lost.incarnation.value())},
                        {"waiting_for", takeover.waiting_for}});
    }
    return rows;
}

json::array refusals(const ReportSources& from) {
    json::array rows;
    for (const auto& refusal : from.chronicle.refusals()) {
        rows.push_back(
            {{"node", refusal.name}, {"node_id", refusal.node.value()}, {"text", refusal.text}});
    }
    return rows;
}

std::string names_of(const ReportSources& from, const std::vector<NodeId>& nodes) {
    std::string names;
    for (const auto node : nodes) {
        names += (names.empty() ? "" : ", ") + from.chronicle.name_of(node);
    }
    return names;
}

}  // namespace

StateText state_of(const ReportSources& from) {
    if (from.stopping) {
        return {"stopping", "clusterd was asked to stop"};
    }
    if (from.status.expelled) {
        return {"expelled", from.status.lease.reason};
    }
    const auto waited = names_of(from, from.status.forming);
    if (from.group != nullptr && !from.group->connected()) {
        const auto* state = from.status.view ? "stalled" : "forming";
        return {state,
                from.group->problem().empty() ? "waits for Corosync" : from.group->problem()};
    }
    if (!from.status.view) {
        return {"forming", waited.empty() ? "waits for votequorum" : "waits for " + waited};
    }
    if (from.status.lease.state == LeaseState::kRunning) {
        return {"running", ""};
    }
    auto reason = from.status.lease.reason;
    if (from.group != nullptr && !from.status.quorate && !from.group->device_problem().empty()) {
        reason += "; " + from.group->device_problem();
    }
    if (!waited.empty()) {
        reason += "; waits for " + waited;
    }
    return {"stalled", std::move(reason)};
}

json::object report_cluster(const ReportSources& from) {
    const auto& status = from.status;
    auto state = state_of(from);
    return {{"cluster", from.config.name},
            {"key", from.fingerprint},
            {"node", from.config.node},
            {"node_id", status.self.node.value()},
            {"incarnation", hexadecimal(status.self.incarnation.value())},
            {"state", std::move(state.state)},
            {"reason", std::move(state.reason)},
            {"epoch", status.view ? status.view->epoch.value() : 0},
            {"quorate", status.quorate},
            {"coordinator", status.view ? from.chronicle.name_of(status.view->coordinator) : ""},
            {"level", status.view ? status.view->level : 0},
            {"votes", votes(from)},
            {"lease", lease(status.lease)},
            {"time", from.time},
            {"formed", from.formed},
            {"last_transition", from.last_transition},
            {"transitions", status.transitions},
            {"members", members(from)},
            {"circuits",
             [&] {
                 json::array rows;
                 for (const auto& circuit : status.circuits) {
                     rows.push_back(circuit_row(from, circuit));
                 }
                 return rows;
             }()},
            {"links", links(from)},
            {"takeovers", takeovers(from)},
            {"fencers",
             fencer_rows(from.fencers, [&](NodeId node) { return from.chronicle.name_of(node); })},
            {"refusals", refusals(from)}};
}

}  // namespace quorate::cluster
