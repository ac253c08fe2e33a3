#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "api.hpp"

namespace quorate::ctl {

// One lock, and who stands in its way.
struct LockRow {
    std::uint64_t node = 0;
    std::string id;
    std::uint64_t pid = 0;
    std::string queue;  // granted, converting, waiting
    std::string granted;
    std::string requested;
    std::string token;
    std::string cause;  // why it waits, when its own node knows better than its master
    std::uint64_t age_ms = 0;
    std::vector<std::size_t> blocked_by;  // of the same resource
    std::vector<std::size_t> blocking;    // the same from the other side

    bool waits() const { return queue != "granted"; }
};
struct ResourceRow {
    std::string name;  // domain:root, and what is below it after " / "
    std::uint64_t master = 0;
    bool complete = false;  // told by its master
    bool value_valid = true;
    std::vector<LockRow> locks;

    std::size_t waiting() const;
    std::uint64_t longest_wait_ms() const;
};

// The cluster's locks, put together from what each node tells: of a resource its master knows all.
// Pure.
class LockTable {
public:
    // Answers of GET /v1/cluster, and of each member's GET /v1/locks and /v1/locks/clients.
    void add_members(const json::object& view);
    void add_locks(const json::object& answer);
    void add_clients(const json::object& answer);
    // When all were added.
    void finish();

    const std::vector<ResourceRow>& resources() const { return resources_; }
    std::string node_name(std::uint64_t node) const;
    // "n1 4711 maild"
    std::string owner_of(const LockRow& lock) const;
    std::string program_of(const LockRow& lock) const;
    std::string owners_of(const ResourceRow& resource, const std::vector<std::size_t>& locks) const;
    bool more() const { return more_; }

    // ---- for people, and for programs
    std::string show() const;
    // Where most wait, then those with most locks.
    std::string top(std::size_t count) const;
    json::array top_json(std::size_t count) const;
    json::array to_json() const;

private:
    std::vector<const ResourceRow*> busiest(std::size_t count) const;
    json::object to_json(const ResourceRow& resource) const;
    void find_blockers(ResourceRow& resource) const;

    std::map<std::uint64_t, std::string> names_;
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> programs_;  // by node and pid
    std::map<std::string, ResourceRow> by_name_;
    std::vector<ResourceRow> resources_;
    bool more_ = false;
};

// Who waits for whom, from the locks of one resource or one process: chains, each followed through
// the locks that its holders wait for themselves.
class LockChains {
public:
    explicit LockChains(const LockTable& table) : table_(table) {}

    // Chains that begin at a resource (by name) or with a process; empty: nobody waits there.
    std::string text(const std::string& name, std::uint64_t pid) const;
    json::array to_json(const std::string& name, std::uint64_t pid) const;

private:
    struct Place {
        const ResourceRow* resource = nullptr;
        std::size_t lock = 0;
        const LockRow& row() const { return resource->locks[lock]; }
    };
    std::vector<Place> starts(const std::string& name, std::uint64_t pid) const;
    std::vector<Place> waits_of(const LockRow& owner) const;
    std::string describe(const Place& place) const;
    void follow(const Place& place, std::vector<const LockRow*>& path, std::string& out) const;
    json::object follow(const Place& place, std::vector<const LockRow*>& path) const;

    const LockTable& table_;
};

std::string wait_text(std::uint64_t milliseconds);  // "0.4 s", "00:12:05"

}  // namespace quorate::ctl
