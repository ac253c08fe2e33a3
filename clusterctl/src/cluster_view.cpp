#include "cluster_view.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "table.hpp"

namespace quorate::ctl {
namespace {

std::string or_dash(std::string text) { return text.empty() ? "-" : std::move(text); }

std::string number_text(const json::object& object, std::string_view key) {
    return std::to_string(number_of(object, key));
}

std::string joined(const json::array& texts) {
    std::string all;
    for (const auto& text : texts) {
        all += all.empty() ? "" : " ";
        all += text.is_string() ? text.get_string().c_str() : "?";
    }
    return or_dash(all);
}

std::string with_reason(const json::object& object) {
    const auto reason = text_of(object, "reason");
    const auto state = text_of(object, "state");
    return reason.empty() ? or_dash(state) : state + ": " + reason;
}

std::size_t members_present(const json::object& view) {
    const auto& rows = array_of(view, "members");
    return static_cast<std::size_t>(std::count_if(rows.begin(), rows.end(), [](const auto& row) {
        return text_of(row.as_object(), "status") == "member";
    }));
}

std::string votes_text(const json::object& votes) {
    auto text = fmt::format("{} of {} expected, quorum {}", number_of(votes, "total"),
                            number_of(votes, "expected"), number_of(votes, "quorum"));
    const auto disk = number_of(votes, "disk");
    return disk == 0 ? text : text + fmt::format(", of them {} from the quorum disk", disk);
}

std::string lease_text(const json::object& lease) {
    const auto text = with_reason(lease);
    if (text_of(lease, "state") != "running" || number_of(lease, "length_ms") == 0) {
        return text;
    }
    return fmt::format("{}, {} of {} ms left", text, number_of(lease, "remaining_ms"),
                       number_of(lease, "length_ms"));
}

std::string render_header(const json::object& view) {
    const auto row = [](const char* name, const std::string& value) {
        return fmt::format("  {:<16} {}\n", name, value);
    };
    auto text =
        fmt::format("View of cluster {} from node {}, {}\n\n", or_dash(text_of(view, "cluster")),
                    text_of(view, "node"), utc_text(number_of(view, "time")));
    text += row("state", with_reason(view));
    text += row("epoch", fmt::format("{}, {}", number_of(view, "epoch"),
                                     flag_of(view, "quorate") ? "quorate" : "NO QUORUM"));
    text += row("members", fmt::format("{} of {} configured", members_present(view),
                                       array_of(view, "members").size()));
    const auto& votes = object_of(view, "votes");
    text += row("votes", votes_text(votes));
    if (const auto problem = text_of(votes, "device_problem"); !problem.empty()) {
        text += row("quorum device", problem);
    }
    text += row("coordinator", or_dash(text_of(view, "coordinator")));
    text += row("lease", lease_text(object_of(view, "lease")));
    text += row("protocol level", number_text(view, "level"));
    text += row("formed", utc_text(number_of(view, "formed")));
    text += row("last transition", fmt::format("{}, {} since clusterd started",
                                               utc_text(number_of(view, "last_transition")),
                                               number_of(view, "transitions")));
    return text;
}

std::string levels_text(const json::object& member) {
    const auto& levels = array_of(member, "levels");
    if (levels.size() != 2 || !levels[0].is_number() || !levels[1].is_number()) {
        return "-";
    }
    return fmt::format("{}-{}", levels[0].to_number<std::uint64_t>(),
                       levels[1].to_number<std::uint64_t>());
}

// "up 80 us*": the star is on the ring that carries the messages.
std::string ring_text(const json::object& ring) {
    auto text = text_of(ring, "state");
    if (text == "up") {
        text += fmt::format(" {} us", number_of(ring, "round_trip_us"));
    }
    return text + (flag_of(ring, "carries") ? "*" : "");
}

// Corosync's own links to a node: "up up", by ring.
std::string links_text(const json::object& view, const std::string& node) {
    std::string all;
    for (const auto& item : array_of(view, "links")) {
        const auto& link = item.as_object();
        if (text_of(link, "node") == node) {
            all += all.empty() ? "" : " ";
            all += flag_of(link, "connected") ? "up" : "DOWN";
        }
    }
    return or_dash(all);
}

// By ring: "0 2".
std::string breaks_text(const json::object& circuit) {
    std::string all;
    for (const auto& ring : array_of(circuit, "rings")) {
        all += (all.empty() ? "" : " ") + number_text(ring.as_object(), "breaks");
    }
    return or_dash(all);
}

// Why rings are down, a line each.
std::string down_text(const json::array& circuits) {
    std::string text;
    for (const auto& item : circuits) {
        const auto& circuit = item.as_object();
        for (const auto& row : array_of(circuit, "rings")) {
            const auto& ring = row.as_object();
            if (text_of(ring, "state") == "down") {
                text += fmt::format("ring {} to {} is down: {}\n", number_of(ring, "ring"),
                                    text_of(circuit, "node"), or_dash(text_of(ring, "problem")));
            }
        }
    }
    return text;
}

std::string render_circuits(const json::object& view) {
    const auto& circuits = array_of(view, "circuits");
    std::size_t rings = 0;
    for (const auto& item : circuits) {
        rings = std::max(rings, array_of(item.as_object(), "rings").size());
    }
    std::vector<std::string> headings{"PEER", "STATE"};
    for (std::size_t ring = 0; ring < rings; ++ring) {
        headings.push_back(fmt::format("RING {}", ring));
    }
    for (const char* heading :
         {"COROSYNC", ">SENT", ">RECEIVED", ">RESENT", ">QUEUED", ">BREAKS"}) {
        headings.emplace_back(heading);
    }
    Table table(std::move(headings));
    for (const auto& item : circuits) {
        const auto& circuit = item.as_object();
        std::vector<std::string> row{text_of(circuit, "node"), text_of(circuit, "state")};
        for (const auto& ring : array_of(circuit, "rings")) {
            row.push_back(ring_text(ring.as_object()));
        }
        row.resize(2 + rings, "-");
        row.push_back(links_text(view, text_of(circuit, "node")));
        row.push_back(number_text(circuit, "sent_messages"));
        row.push_back(number_text(circuit, "received_messages"));
        row.push_back(number_text(circuit, "resent_messages"));
        row.push_back(human_bytes(number_of(circuit, "queued_bytes")));
        row.push_back(breaks_text(circuit));
        table.add(std::move(row));
    }
    return table.empty() ? ""
                         : "\nCIRCUITS (* carries the messages; counted since they opened; BREAKS "
                           "by ring)\n" +
                               table.text() + down_text(circuits);
}

std::string render_takeovers(const json::object& view) {
    Table table({"NODE", ">ID", "INCARNATION", "WAITS FOR"});
    for (const auto& item : array_of(view, "takeovers")) {
        const auto& lost = item.as_object();
        table.add({text_of(lost, "node"), number_text(lost, "node_id"),
                   text_of(lost, "incarnation"), or_dash(text_of(lost, "waiting_for"))});
    }
    return table.empty() ? "" : "\nTAKEOVERS PENDING\n" + table.text();
}

std::string unconfirmed_text(const json::object& fencer) {
    std::string text;
    for (const auto& item : array_of(fencer, "unconfirmed")) {
        const auto& life = item.as_object();
        text += fmt::format("{}{} ({}) since {}", text.empty() ? "" : ", ", text_of(life, "node"),
                            text_of(life, "incarnation"), utc_text(number_of(life, "asked")));
    }
    return or_dash(text);
}

std::string render_refusals(const json::object& view) {
    std::string text;
    for (const auto& item : array_of(view, "refusals")) {
        const auto& refused = item.as_object();
        text += fmt::format("{} (id {}): {}\n", or_dash(text_of(refused, "node")),
                            number_of(refused, "node_id"), text_of(refused, "text"));
    }
    return text.empty() ? "" : "\nREFUSED\n" + text;
}

std::string headed(const std::string& heading, const std::string& text) {
    return text.empty() ? "" : fmt::format("\n{}\n{}", heading, text);
}

}  // namespace

std::string render_members(const json::object& view) {
    Table table({"NODE", ">ID", "STATUS", "SOFTWARE", "INCARNATION", ">VOTES", ">WEIGHT",
                 "DRAINING", "LEVELS", "ADDRESSES"});
    for (const auto& item : array_of(view, "members")) {
        const auto& member = item.as_object();
        table.add({text_of(member, "name"), number_text(member, "node_id"),
                   text_of(member, "status"), or_dash(text_of(member, "software")),
                   or_dash(text_of(member, "incarnation")), number_text(member, "votes"),
                   number_text(member, "directory_weight"),
                   flag_of(member, "draining") ? "yes" : "no", levels_text(member),
                   joined(array_of(member, "addresses"))});
    }
    return table.text();
}

std::string render_cluster(const json::object& view) {
    return render_header(view) + "\nMEMBERS\n" + render_members(view) + render_circuits(view) +
           render_takeovers(view) +
           headed("FENCERS OF " + text_of(view, "node"), render_fencers(view)) +
           render_refusals(view);
}

std::string render_fencers(const json::object& of_node) {
    Table table({"FENCER", "STATE", "SINCE", ">PID", ">UID", "HAS NOT CONFIRMED"});
    for (const auto& item : array_of(of_node, "fencers")) {
        const auto& fencer = item.as_object();
        const auto process = number_of(fencer, "pid");
        table.add({text_of(fencer, "name"), text_of(fencer, "state"),
                   utc_text(number_of(fencer, "since")),
                   process == 0 ? "-" : std::to_string(process), number_text(fencer, "uid"),
                   unconfirmed_text(fencer)});
    }
    return table.empty() ? "" : table.text();
}

}  // namespace quorate::ctl
