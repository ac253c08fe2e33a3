#include <algorithm>

#include <fmt/core.h>

#include "lock_table.hpp"

namespace quorate::ctl {

std::vector<LockChains::Place> LockChains::starts(const std::string& name,
                                                  std::uint64_t pid) const {
    std::vector<Place> places;
    for (const auto& resource : table_.resources()) {
        for (std::size_t at = 0; at < resource.locks.size(); ++at) {
            const auto& lock = resource.locks[at];
            const bool asked = pid != 0 ? lock.pid == pid : resource.name == name;
            if (asked && lock.waits()) {
                places.push_back({&resource, at});
            }
        }
    }
    return places;
}

// What the process that owns this lock waits for.
std::vector<LockChains::Place> LockChains::waits_of(const LockRow& owner) const {
    std::vector<Place> places;
    for (const auto& place : starts("", owner.pid)) {
        if (place.row().node == owner.node) {
            places.push_back(place);
        }
    }
    return places;
}

std::string LockChains::describe(const Place& place) const {
    const auto& lock = place.row();
    return fmt::format("{} waits {} for {} on {}", table_.owner_of(lock), wait_text(lock.age_ms),
                       lock.requested, place.resource->name);
}

std::string LockChains::text(const std::string& name, std::uint64_t pid) const {
    std::string out;
    for (const auto& place : starts(name, pid)) {
        std::vector<const LockRow*> path;
        follow(place, path, out);
    }
    return out;
}

// Depth first; where a chain meets itself it is a deadlock, which the lock managers will end.
void LockChains::follow(const Place& place, std::vector<const LockRow*>& path,
                        std::string& out) const {
    const std::string indent(path.size() * 4, ' ');
    const auto& lock = place.row();
    out += indent + describe(place);
    if (std::ranges::find(path, &lock) != path.end()) {
        out += ": a deadlock\n";
        return;
    }
    out += lock.blocked_by.empty() && !lock.cause.empty() ? ": " + lock.cause + "\n" : "\n";
    path.push_back(&lock);
    for (const auto other : lock.blocked_by) {
        const auto& blocker = place.resource->locks[other];
        out += fmt::format("{}  {} {} {} since {}\n", indent, table_.owner_of(blocker),
                           blocker.queue == "waiting" ? "asked before for" : "holds",
                           blocker.queue == "waiting" ? blocker.requested : blocker.granted,
                           wait_text(blocker.age_ms));
        for (const auto& next : waits_of(blocker)) {
            if (&next.row() != &lock) {
                follow(next, path, out);
            }
        }
    }
    path.pop_back();
}

json::array LockChains::to_json(const std::string& name, std::uint64_t pid) const {
    json::array chains;
    for (const auto& place : starts(name, pid)) {
        std::vector<const LockRow*> path;
        chains.push_back(follow(place, path));
    }
    return chains;
}

json::object LockChains::follow(const Place& place, std::vector<const LockRow*>& path) const {
    const auto& lock = place.row();
    json::object wait{{"node", table_.node_name(lock.node)},
                      {"pid", lock.pid},
                      {"program", table_.program_of(lock)},
                      {"lock", lock.id},
                      {"resource", place.resource->name},
                      {"requested", lock.requested},
                      {"age_ms", lock.age_ms},
                      {"waits_for", lock.cause}};
    if (std::ranges::find(path, &lock) != path.end()) {
        wait["deadlock"] = true;
        return wait;
    }
    path.push_back(&lock);
    json::array blockers;
    for (const auto other : lock.blocked_by) {
        const auto& blocker = place.resource->locks[other];
        json::array waits;
        for (const auto& next : waits_of(blocker)) {
            if (&next.row() != &lock) {
                waits.push_back(follow(next, path));
            }
        }
        blockers.push_back({{"node", table_.node_name(blocker.node)},
                            {"pid", blocker.pid},
                            {"program", table_.program_of(blocker)},
                            {"lock", blocker.id},
                            {"queue", blocker.queue},
                            {"granted", blocker.granted},
                            {"requested", blocker.requested},
                            {"age_ms", blocker.age_ms},
                            {"waits", std::move(waits)}});
    }
    wait["blocked_by"] = std::move(blockers);
    path.pop_back();
    return wait;
}

}  // namespace quorate::ctl
