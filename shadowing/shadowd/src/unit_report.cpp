#include "unit_report.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <boost/json/array.hpp>

#include "shadowing/io/rados_member.hpp"

namespace quorate::shadowing {
namespace {

namespace json = boost::json;
using Samples = std::vector<io::Metrics::Sample>;
using Kind = io::Metrics::Kind;

// What keeps a lost node's last I/O from the disks.
std::string protection_of(const UnitFile& file) {
    if (!file.cluster) {
        return "one machine";
    }
    std::string ways = "leases";
    if (std::ranges::any_of(file.disks, is_rados_place)) {
        ways += "; RADOS: its blocklist";
    }
    const bool any_disk = !std::ranges::all_of(file.disks, is_rados_place);
    if (any_disk && file.shared) {
        return "none: disks that every node reaches by itself, without fencing; the lease alone "
               "does not stop an I/O that is under way when a node freezes";
    }
    return any_disk ? ways + "; the nodes that serve the disks: they drop a lost node's requests"
                    : ways;
}

std::string path_of(const UnitFile& file, const std::string& disk) {
    const auto place = parse_disk_place(disk);
    return is_rados_place(disk)                    ? "librados"
           : file.cluster && !file.shared && place ? "by way of node " + place->node
           : file.cluster                          ? "every node by itself"
                                                   : "this machine";
}

json::array members_of(const Unit& unit, const UnitStatus& status) {
    json::array members;
    for (const auto& member : status.set.members) {
        members.push_back(json::object{{"disk", member.device},
                                       {"role", std::string(name_of(member.role))},
                                       {"why", member.why},
                                       {"path", path_of(unit.file, member.device)},
                                       {"fence", member.fence},
                                       {"queue", member.queue},
                                       {"latency_us", member.latency.count()},
                                       {"read_cost", member.read_cost},
                                       {"other_site", member.other_site}});
    }
    return members;
}

json::object work_of(const UnitStatus& status) {
    json::object all;
    for (std::size_t i = 0; i < kWorks; ++i) {
        const auto& work = status.set.work[i];
        json::object one{{"runs", work.pace.runs},
                         {"priority", work.pace.share},
                         {"here", work.here},
                         {"state", work.state},
                         {"done_octets", work.done_blocks * status.block_octets},
                         {"of_octets", work.of_blocks * status.block_octets},
                         {"octets_per_second", work.blocks_per_second * status.block_octets}};
        if (work.left) {
            one["seconds_left"] = work.left->count();
        }
        all[std::string(name_of(static_cast<Work>(i)))] = std::move(one);
    }
    return all;
}

std::string unit_label(const std::string& unit) { return io::label("unit", unit); }

using OfUnit = std::function<void(const std::string& name, const UnitStatus&, Samples&)>;

void add_family(io::Metrics& metrics, const Shadowd& shadowd, const char* name, const char* help,
                Kind kind, OfUnit of_unit) {
    metrics.samples_from(name, help, kind, [&shadowd, of_unit = std::move(of_unit)] {
        Samples samples;
        for (const auto& [unit, one] : shadowd.units()) {
            of_unit(unit, one.set ? one.set->status() : UnitStatus(), samples);
        }
        return samples;
    });
}

void add_work_metrics(io::Metrics& metrics, const Shadowd& shadowd) {
    const auto add = [&](const char* name, const char* help, std::uint64_t WorkStatus::*blocks) {
        add_family(metrics, shadowd, name, help, Kind::kGauge,
                   [blocks](const std::string& unit, const UnitStatus& status, Samples& samples) {
                       for (std::size_t i = 0; i < kWorks; ++i) {
                           const auto labels = unit_label(unit) + "," +
                                               io::label("work", name_of(static_cast<Work>(i)));
                           const auto octets = status.set.work[i].*blocks * status.block_octets;
                           samples.push_back({labels, static_cast<double>(octets)});
                       }
                   });
    };
    add("quorate_shadow_work_done_bytes", "Of merge, copy and scrub by this node",
        &WorkStatus::done_blocks);
    add("quorate_shadow_work_all_bytes", "What merge, copy and scrub have to do on this node",
        &WorkStatus::of_blocks);
}

}  // namespace

json::object report(const Shadowd& shadowd, const Unit& unit) {
    auto status = unit.set ? unit.set->status() : UnitStatus();
    if (!unit.set) {
        status.refused = shadowd.waits_for(unit);
    }
    const auto& found = status.set.found;
    json::array disks(unit.file.disks.begin(), unit.file.disks.end());
    return {{"unit", unit.file.unit},
            {"mounted", status.set.mounted},
            {"stalled", status.set.stalled},
            {"refused", status.refused},
            {"generation", status.set.generation.number},
            {"lineage", status.set.lineage.to_hex()},
            {"octets", status.octets},
            {"block_octets", status.block_octets},
            {"disks", std::move(disks)},
            {"cluster", unit.file.cluster},
            {"protection", protection_of(unit.file)},
            {"members", members_of(unit, status)},
            {"to_merge", status.set.to_merge.size()},
            {"work", work_of(status)},
            {"scrub", json::object{{"passes", found.passes},
                                   {"mismatches", found.mismatches},
                                   {"undecided", found.undecided},
                                   {"repaired", found.repaired},
                                   {"unreadable", found.unreadable}}},
            {"hot_regions", status.set.hot_regions},
            {"intent_blocks", status.set.intent_blocks},
            {"reads", status.reads},
            {"writes", status.writes},
            {"flushes", status.flushes},
            {"nbd", "nbd+unix:///?socket=" + unit.nbd_socket}};
}

json::array report_events(const Unit& unit) {
    json::array events;
    if (unit.set) {
        for (const auto& event : unit.set->events()) {
            events.push_back(json::object{{"time", event.time}, {"text", event.text}});
        }
    }
    return events;
}

void add_metrics(io::Metrics& metrics, const Shadowd& shadowd) {
    const auto add = [&](const char* name, const char* help, Kind kind, auto value) {
        add_family(metrics, shadowd, name, help, kind,
                   [value](const std::string& unit, const UnitStatus& status, Samples& samples) {
                       samples.push_back({unit_label(unit), static_cast<double>(value(status))});
                   });
    };
    add("quorate_shadow_mounted", "Whether the unit is mounted here", Kind::kGauge,
        [](const UnitStatus& one) { return one.set.mounted ? 1 : 0; });
    add("quorate_shadow_stalled", "Whether its I/O waits", Kind::kGauge,
        [](const UnitStatus& one) { return one.set.stalled.empty() ? 0 : 1; });
    add("quorate_shadow_generation", "Of the membership", Kind::kGauge,
        [](const UnitStatus& one) { return one.set.generation.number; });
    add("quorate_shadow_slots_to_merge", "Lost openers whose writes are not merged yet",
        Kind::kGauge, [](const UnitStatus& one) { return one.set.to_merge.size(); });
    add("quorate_shadow_reads", "Requests of this node's clients", Kind::kCounter,
        [](const UnitStatus& one) { return one.reads; });
    add("quorate_shadow_writes", "Requests of this node's clients", Kind::kCounter,
        [](const UnitStatus& one) { return one.writes; });
    add("quorate_shadow_flushes", "Requests of this node's clients", Kind::kCounter,
        [](const UnitStatus& one) { return one.flushes; });
    add("quorate_shadow_intent_writes", "Blocks of the write-intent log", Kind::kCounter,
        [](const UnitStatus& one) { return one.set.intent_blocks; });
    add("quorate_shadow_scrub_mismatches", "Chunks that were not equal on all sources",
        Kind::kCounter, [](const UnitStatus& one) { return one.set.found.mismatches; });
    add("quorate_shadow_scrub_unreadable", "Chunks that no source can read", Kind::kCounter,
        [](const UnitStatus& one) { return one.set.found.unreadable; });
    add_family(
        metrics, shadowd, "quorate_shadow_member", "1 for each disk in its role", Kind::kGauge,
        [](const std::string& unit, const UnitStatus& status, Samples& samples) {
            for (const auto& member : status.set.members) {
                samples.push_back({unit_label(unit) + "," + io::label("disk", member.device) + "," +
                                       io::label("role", name_of(member.role)),
                                   1});
            }
        });
    add_work_metrics(metrics, shadowd);
}

}  // namespace quorate::shadowing
