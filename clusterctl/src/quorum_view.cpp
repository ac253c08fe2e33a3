#include "quorum_view.hpp"

#include <fmt/core.h>

#include "table.hpp"

namespace quorate::ctl {
namespace {

std::string seconds_text(std::int64_t milliseconds) {
    return fmt::format("{:.1f} s", static_cast<double>(milliseconds) / 1000);
}

std::int64_t signed_of(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    return value != nullptr && value->is_number() ? value->to_number<std::int64_t>() : 0;
}

std::string name_of(const json::object& answer, std::uint64_t id) {
    for (const auto& item : array_of(answer, "nodes")) {
        if (number_of(item.as_object(), "id") == id) {
            return text_of(item.as_object(), "name");
        }
    }
    return fmt::format("node {}", id);
}

std::string members_text(const json::object& answer) {
    std::string text;
    for (const auto& id : array_of(answer, "members")) {
        text += fmt::format("{}{}", text.empty() ? "" : " ",
                            name_of(answer, id.to_number<std::uint64_t>()));
    }
    return text;
}

// How much longer a node may cast unless it renews its lease: here it is known, elsewhere at most
// what a lease lasts from when its page was seen to change.
std::int64_t lease_of(const json::object& answer, const json::object& node) {
    if (text_of(node, "name") == text_of(answer, "node")) {
        return signed_of(answer, "lease_ms");
    }
    const auto ago = signed_of(node, "changed_ms_ago");
    return ago < 0 ? 0 : signed_of(object_of(answer, "timing"), "lease_ms") - ago;
}

// Who may cast the disk's votes, as the pages say, and until when.
std::string holders_text(const json::object& answer) {
    std::string text;
    for (const auto& item : array_of(answer, "nodes")) {
        const auto& node = item.as_object();
        const auto lease = lease_of(answer, node);
        if (flag_of(node, "holds") && !flag_of(node, "silent") && lease > 0) {
            text += fmt::format("{}{} for {}", text.empty() ? "" : ", ", text_of(node, "name"),
                                seconds_text(lease));
        }
    }
    return text.empty() ? "nobody" : text + ", unless renewed";
}

std::string render_head(const json::object& answer) {
    const auto& votes = object_of(answer, "votes");
    const auto& timing = object_of(answer, "timing");
    std::string out = fmt::format("Quorum disk of cluster {}, seen from {} at its ring {}.{}\n\n",
                                  text_of(answer, "cluster"), text_of(answer, "node"),
                                  number_of(object_of(answer, "ring"), "node_id"),
                                  number_of(object_of(answer, "ring"), "sequence"));
    const auto line = [&out](std::string_view what, const std::string& value) {
        out += fmt::format("{:<16}{}\n", what, value);
    };
    line("Votes", fmt::format("{} of {} expected, quorum {}{}", number_of(votes, "total"),
                              number_of(votes, "expected"), number_of(votes, "quorum"),
                              flag_of(votes, "quorate") ? "" : ", NO QUORUM"));
    line("Disk votes",
         fmt::format("{} ({})", number_of(answer, "disk_votes"),
                     flag_of(answer, "casting") ? "counted here" : "not counted here"));
    line("Members", members_text(answer));
    line("Held by", holders_text(answer));
    const auto reason = text_of(answer, "reason");
    line("State", text_of(answer, "state") + (reason.empty() ? "" : ": " + reason));
    line("Epoch", fmt::format("{}, held {}, released {}", number_of(answer, "epoch"),
                              number_of(answer, "held"), number_of(answer, "released")));
    line("Lease", number_of(answer, "lease_ms") == 0
                      ? "none"
                      : fmt::format("{} more", seconds_text(signed_of(answer, "lease_ms"))));
    line("Mode",
         fmt::format("{}; a silent node is taken for stopped after {}", text_of(timing, "mode"),
                     seconds_text(signed_of(timing, "silence_ms"))));
    if (const auto problem = text_of(answer, "corosync_problem"); !problem.empty()) {
        line("Corosync", problem);
    }
    return out;
}

std::string render_disks(const json::object& answer) {
    Table table({"DISK", "UUID", ">READS", ">WRITES", ">ERRORS", ">LATE", "STATE"});
    for (const auto& item : array_of(answer, "disks")) {
        const auto& disk = item.as_object();
        const auto problem = text_of(disk, "problem");
        table.add(
            {text_of(disk, "path"), text_of(disk, "uuid").substr(0, 8),
             std::to_string(number_of(disk, "reads")), std::to_string(number_of(disk, "writes")),
             std::to_string(number_of(disk, "errors")), std::to_string(number_of(disk, "late")),
             !problem.empty()          ? problem
             : flag_of(disk, "opened") ? "in use"
                                       : "not opened yet"});
    }
    return table.text();
}

std::string render_nodes(const json::object& answer) {
    Table table({"NODE", ">VOTES", ">SCORE", "WATCHER", "STATE", ">ACTIVITY", ">CHANGED", ">HELD",
                 ">RELEASED"});
    for (const auto& item : array_of(answer, "nodes")) {
        const auto& node = item.as_object();
        if (!flag_of(node, "known")) {
            table.add({text_of(node, "name"), std::to_string(number_of(node, "votes")), "-", "no",
                       "never seen", "-", "-", "-", "-"});
            continue;
        }
        const auto ago = signed_of(node, "changed_ms_ago");
        const auto state = flag_of(node, "stopped")  ? "stopped"
                           : flag_of(node, "silent") ? text_of(node, "state") + ", silent"
                                                     : text_of(node, "state");
        table.add(
            {text_of(node, "name"), std::to_string(number_of(node, "votes")),
             std::to_string(number_of(node, "score")), flag_of(node, "watcher") ? "yes" : "no",
             state, std::to_string(number_of(node, "counter")),
             ago < 0 ? "-" : seconds_text(ago) + " ago", std::to_string(number_of(node, "held")),
             std::to_string(number_of(node, "released"))});
    }
    return table.text();
}

// Empty without any.
std::string render_heuristics(const json::object& answer) {
    const auto& all = array_of(answer, "heuristics");
    if (all.empty()) {
        return {};
    }
    Table table({"HEURISTIC", ">SCORE", "LAST", ">ENDED"});
    for (const auto& item : all) {
        const auto& one = item.as_object();
        const auto ago = signed_of(one, "ended_ms_ago");
        table.add({text_of(one, "name"),
                   fmt::format("{} of {}", flag_of(one, "ok") ? number_of(one, "score") : 0,
                               number_of(one, "score")),
                   text_of(one, "text"), ago < 0 ? "-" : seconds_text(ago) + " ago"});
    }
    return "\n" + table.text();
}

}  // namespace

std::string render_quorum(const json::object& answer) {
    if (!flag_of(answer, "voting")) {
        return fmt::format("quorumd does not vote: {}\n", text_of(answer, "waiting"));
    }
    return render_head(answer) + "\n" + render_disks(answer) + "\n" + render_nodes(answer) +
           render_heuristics(answer);
}

}  // namespace quorate::ctl
