#include "lock_table.hpp"

#include <algorithm>
#include <optional>

#include <fmt/core.h>

#include "lockmgr/mode.hpp"
#include "table.hpp"

namespace quorate::ctl {
namespace {

// A lock in a mode of another program's time is compatible with nothing.
std::optional<lockmgr::LockMode> mode_of(const std::string& name) {
    for (std::size_t index = 0; index < lockmgr::kModes; ++index) {
        if (lockmgr::name_of(lockmgr::mode_of(index)) == name) {
            return lockmgr::mode_of(index);
        }
    }
    return std::nullopt;
}

bool conflict(const LockRow& waiting, const LockRow& holding) {
    const auto wanted = mode_of(waiting.requested);
    const auto held = mode_of(holding.granted);
    return !wanted || !held || !lockmgr::compatible(*wanted, *held);
}

LockRow read_lock(const json::object& lock) {
    LockRow row;
    row.node = number_of(lock, "node_id");
    row.id = text_of(lock, "lock");
    row.pid = number_of(lock, "pid");
    row.queue = text_of(lock, "queue");
    row.granted = text_of(lock, "granted");
    row.requested = text_of(lock, "requested");
    row.token = text_of(lock, "token");
    row.age_ms = number_of(lock, "age_ms");
    if (lock.contains("waits_for")) {
        row.cause = text_of(lock, "waits_for");
    }
    return row;
}

std::string join_path(const json::object& resource) {
    std::string name = text_of(resource, "domain") + ":";
    bool first = true;
    for (const auto& part : array_of(resource, "path")) {
        name += first ? "" : " / ";
        name += part.as_string();
        first = false;
    }
    return name;
}

}  // namespace

std::size_t ResourceRow::waiting() const {
    return static_cast<std::size_t>(std::ranges::count_if(locks, &LockRow::waits));
}

std::uint64_t ResourceRow::longest_wait_ms() const {
    std::uint64_t longest = 0;
    for (const auto& lock : locks) {
        longest = lock.waits() ? std::max(longest, lock.age_ms) : longest;
    }
    return longest;
}

std::string wait_text(std::uint64_t milliseconds) {
    return milliseconds < 60'000 ? fmt::format("{:.1f} s", static_cast<double>(milliseconds) / 1000)
                                 : human_seconds(milliseconds / 1000);
}

// ---- putting it together

void LockTable::add_members(const json::object& view) {
    for (const auto& item : array_of(view, "members")) {
        const auto& member = item.as_object();
        names_[number_of(member, "node_id")] = text_of(member, "name");
    }
}

void LockTable::add_clients(const json::object& answer) {
    const auto node = number_of(answer, "node_id");
    for (const auto& item : array_of(answer, "clients")) {
        const auto& client = item.as_object();
        programs_[{node, number_of(client, "pid")}] = text_of(client, "program");
    }
}

void LockTable::add_locks(const json::object& answer) {
    more_ = more_ || flag_of(answer, "more");
    for (const auto& item : array_of(answer, "resources")) {
        const auto& resource = item.as_object();
        auto& row = by_name_[join_path(resource)];
        const bool complete = flag_of(resource, "mastered_here");
        if (row.complete && !complete) {
            continue;
        }
        if (complete) {
            row = ResourceRow{};
        }
        row.complete = complete;
        row.name = join_path(resource);
        row.master = number_of(resource, "master");
        row.value_valid = flag_of(resource, "value_valid");
        for (const auto& lock : array_of(resource, "locks")) {
            row.locks.push_back(read_lock(lock.as_object()));
        }
    }
}

void LockTable::finish() {
    for (auto& [name, resource] : by_name_) {
        if (!resource.locks.empty()) {
            find_blockers(resource);
            resources_.push_back(std::move(resource));
        }
    }
    by_name_.clear();
}

// Who holds what conflicts; else who stands before it in the queues.
void LockTable::find_blockers(ResourceRow& resource) const {
    auto& locks = resource.locks;
    for (std::size_t at = 0; at < locks.size(); ++at) {
        if (!locks[at].waits()) {
            continue;
        }
        for (std::size_t other = 0; other < locks.size(); ++other) {
            const bool holds = locks[other].queue != "waiting";
            if (other != at && holds && conflict(locks[at], locks[other])) {
                locks[at].blocked_by.push_back(other);
            }
        }
        for (std::size_t other = 0; locks[at].blocked_by.empty() && other < at; ++other) {
            if (locks[other].waits()) {
                locks[at].blocked_by.push_back(other);
            }
        }
        for (const auto other : locks[at].blocked_by) {
            locks[other].blocking.push_back(at);
        }
    }
}

std::string LockTable::node_name(std::uint64_t node) const {
    const auto found = names_.find(node);
    return found == names_.end() ? fmt::format("node {}", node) : found->second;
}

std::string LockTable::program_of(const LockRow& lock) const {
    const auto found = programs_.find({lock.node, lock.pid});
    return found == programs_.end() ? "-" : found->second;
}

std::string LockTable::owner_of(const LockRow& lock) const {
    return fmt::format("{} {} {}", node_name(lock.node), lock.pid, program_of(lock));
}

// ---- as text

// Of a few; of many the first ones and their number.
std::string LockTable::owners_of(const ResourceRow& resource,
                                 const std::vector<std::size_t>& locks) const {
    constexpr std::size_t kNamed = 3;
    std::string text;
    for (std::size_t i = 0; i < std::min(locks.size(), kNamed); ++i) {
        text += (text.empty() ? "" : ", ") + owner_of(resource.locks[locks[i]]);
    }
    return locks.size() <= kNamed ? text
                                  : fmt::format("{} and {} more", text, locks.size() - kNamed);
}

std::string LockTable::show() const {
    std::string text;
    for (const auto& resource : resources_) {
        text += text.empty() ? "" : "\n";
        text += fmt::format("{}  master {}{}{}\n", resource.name,
                            resource.master == 0 ? "not known now" : node_name(resource.master),
                            resource.value_valid ? "" : ", value block not valid",
                            resource.complete ? "" : ", as its users know it");
        Table table({"NODE", ">PID", "PROGRAM", "LOCK", "QUEUE", "HELD", "WANTS", ">AGE",
                     "BLOCKED BY", "BLOCKING"});
        for (const auto& lock : resource.locks) {
            auto blockers = owners_of(resource, lock.blocked_by);
            const auto blocked = owners_of(resource, lock.blocking);
            if (lock.waits() && blockers.empty()) {
                blockers = lock.cause;
            }
            table.add({node_name(lock.node), std::to_string(lock.pid), program_of(lock), lock.id,
                       lock.queue, lock.queue == "waiting" ? "-" : lock.granted,
                       lock.waits() ? lock.requested : "-", wait_text(lock.age_ms),
                       blockers.empty() ? "-" : blockers, blocked.empty() ? "-" : blocked});
        }
        text += table.text();
    }
    return text;
}

std::vector<const ResourceRow*> LockTable::busiest(std::size_t count) const {
    std::vector<const ResourceRow*> rows;
    for (const auto& resource : resources_) {
        rows.push_back(&resource);
    }
    std::ranges::stable_sort(rows, std::greater(), [](const ResourceRow* row) {
        return std::pair(row->waiting(), row->locks.size());
    });
    rows.resize(std::min(rows.size(), count));
    return rows;
}

std::string LockTable::top(std::size_t count) const {
    Table table({"RESOURCE", "MASTER", ">LOCKS", ">WAITING", ">LONGEST"});
    for (const auto* row : busiest(count)) {
        table.add({row->name, row->master == 0 ? "-" : node_name(row->master),
                   std::to_string(row->locks.size()), std::to_string(row->waiting()),
                   row->waiting() == 0 ? "-" : wait_text(row->longest_wait_ms())});
    }
    return table.text();
}

json::array LockTable::top_json(std::size_t count) const {
    json::array all;
    for (const auto* row : busiest(count)) {
        all.push_back(to_json(*row));
    }
    return all;
}

json::array LockTable::to_json() const {
    json::array all;
    for (const auto& resource : resources_) {
        all.push_back(to_json(resource));
    }
    return all;
}

json::object LockTable::to_json(const ResourceRow& resource) const {
    json::array locks;
    for (const auto& lock : resource.locks) {
        const auto ids_of = [&](const std::vector<std::size_t>& others) {
            json::array ids;
            for (const auto other : others) {
                ids.emplace_back(resource.locks[other].id);
            }
            return ids;
        };
        locks.push_back({{"node", node_name(lock.node)},
                         {"lock", lock.id},
                         {"pid", lock.pid},
                         {"program", program_of(lock)},
                         {"queue", lock.queue},
                         {"granted", lock.granted},
                         {"requested", lock.requested},
                         {"token", lock.token},
                         {"age_ms", lock.age_ms},
                         {"waits_for", lock.cause},
                         {"blocked_by", ids_of(lock.blocked_by)},
                         {"blocking", ids_of(lock.blocking)}});
    }
    return {{"resource", resource.name},
            {"master", resource.master == 0 ? "" : node_name(resource.master)},
            {"complete", resource.complete},
            {"value_valid", resource.value_valid},
            {"locks", std::move(locks)}};
}

}  // namespace quorate::ctl
