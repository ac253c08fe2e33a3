#include "shadow_view.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "api.hpp"
#include "table.hpp"

namespace quorate::ctl {
namespace {

// Of a target: how much of it is copied.
std::string done_text(const json::object& unit, const json::object& member) {
    const auto role = text_of(member, "role");
    if (role != "COPY" && role != "MINICOPY") {
        return "";
    }
    const auto& copy = object_of(object_of(unit, "work"), "copy");
    const auto all = number_of(copy, "of_octets");
    if (!flag_of(copy, "here") || all == 0) {
        const auto octets = number_of(member, "fence") * number_of(unit, "block_octets");
        const auto total = std::max<std::uint64_t>(number_of(unit, "octets"), 1);
        return fmt::format("{} %", octets * 100 / total);
    }
    return fmt::format("{} %", number_of(copy, "done_octets") * 100 / all);
}

std::string work_text(const std::string& name, const json::object& work) {
    auto text = fmt::format("  {}: {}, priority {} %", name, text_of(work, "state"),
                            number_of(work, "priority"));
    if (!flag_of(work, "runs")) {
        text += ", stopped";
    }
    const auto all = number_of(work, "of_octets");
    if (flag_of(work, "here") && all != 0) {
        text += fmt::format(", {} of {}, {}/s", human_bytes(number_of(work, "done_octets")),
                            human_bytes(all), human_bytes(number_of(work, "octets_per_second")));
        if (work.contains("seconds_left")) {
            text += fmt::format(", {} left", human_seconds(number_of(work, "seconds_left")));
        }
    }
    return text + "\n";
}

std::string members_text(const json::object& unit) {
    Table table({"disk", "role", ">done", ">queue", ">latency us", "path", "why"});
    for (const auto& value : array_of(unit, "members")) {
        const auto& member = value.as_object();
        table.add({text_of(member, "disk"), text_of(member, "role"), done_text(unit, member),
                   std::to_string(number_of(member, "queue")),
                   std::to_string(number_of(member, "latency_us")), text_of(member, "path"),
                   text_of(member, "why")});
    }
    return table.text();
}

}  // namespace

std::string render_unit(const json::object& unit) {
    auto text = fmt::format("{}: {}, {}, generation {}, lineage {}\n", text_of(unit, "unit"),
                            flag_of(unit, "mounted") ? "mounted" : "not mounted",
                            human_bytes(number_of(unit, "octets")), number_of(unit, "generation"),
                            text_of(unit, "lineage"));
    if (const auto refused = text_of(unit, "refused"); !refused.empty()) {
        text += fmt::format("  {}\n", refused);
    }
    if (const auto stalled = text_of(unit, "stalled"); !stalled.empty()) {
        text += fmt::format("  stalls: {}\n", stalled);
    }
    text += fmt::format("  protected by: {}\n", text_of(unit, "protection"));
    text += members_text(unit);
    const auto& work = object_of(unit, "work");
    for (const char* name : {"copy", "merge", "scrub"}) {
        text += work_text(name, object_of(work, name));
    }
    const auto& found = object_of(unit, "scrub");
    text += fmt::format(
        "  scrubbed: {} passes; chunks that differed: {} ({} without a majority), repaired: {}, "
        "unreadable: {}\n",
        number_of(found, "passes"), number_of(found, "mismatches"), number_of(found, "undecided"),
        number_of(found, "repaired"), number_of(found, "unreadable"));
    text +=
        fmt::format("  write-intent log: {} regions hot, {} blocks written; slots to merge: {}\n",
                    number_of(unit, "hot_regions"), number_of(unit, "intent_blocks"),
                    number_of(unit, "to_merge"));
    return text + fmt::format("  {}\n", text_of(unit, "nbd"));
}

std::string render_served_disks(const json::object& answer) {
    Table table({"name", "path", "address", "state", ">users", ">under way"});
    for (const auto& value : array_of(answer, "disks")) {
        const auto& disk = value.as_object();
        std::uint64_t under_way = 0;
        for (const auto& user : array_of(disk, "users")) {
            under_way += number_of(user.as_object(), "under_way");
        }
        const auto problem = text_of(disk, "problem");
        table.add({text_of(disk, "name"), text_of(disk, "path"), text_of(disk, "address"),
                   flag_of(disk, "served") ? "served"
                   : problem.empty()       ? "waits for the cluster"
                                           : problem,
                   std::to_string(array_of(disk, "users").size()), std::to_string(under_way)});
    }
    return table.text();
}

}  // namespace quorate::ctl
