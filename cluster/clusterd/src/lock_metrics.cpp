#include "metrics.hpp"

namespace quorate::cluster {
namespace {

using lockmgr::LockCounts;

}  // namespace

void add_lock_metrics(io::Metrics& metrics, const lockmgr::LockManager& manager) {
    const auto gauge = [&](const char* name, const char* help, auto read) {
        metrics.gauge(name, help,
                      [&manager, read] { return static_cast<double>(read(manager.counts())); });
    };
    const auto counter = [&](const char* name, const char* help, auto read) {
        metrics.counter_from(
            name, help, [&manager, read] { return static_cast<double>(read(manager.counts())); });
    };
    gauge("clusterd_locks", "Locks known here: this node's, and others' of trees mastered here",
          [](const LockCounts& now) { return now.locks; });
    gauge("clusterd_lock_resources", "Resources known here",
          [](const LockCounts& now) { return now.resources; });
    gauge("clusterd_lock_trees", "Resource trees known here",
          [](const LockCounts& now) { return now.trees; });
    gauge("clusterd_lock_trees_mastered", "Resource trees mastered here",
          [](const LockCounts& now) { return now.trees_mastered; });
    gauge("clusterd_lock_directory_entries", "Entries of the lock directory kept here",
          [](const LockCounts& now) { return now.entries; });
    gauge("clusterd_lock_messages_unacknowledged", "Messages that a new view would repeat",
          [](const LockCounts& now) { return now.unacknowledged; });
    gauge("clusterd_lock_recovering", "1 while trees are rebuilt after a change of the view",
          [](const LockCounts& now) { return now.recovering ? 1 : 0; });
    counter("clusterd_lock_tree_moves", "Trees that changed their master",
            [](const LockCounts& now) { return now.moves; });
    counter("clusterd_lock_deadlocks", "Requests that fell victim to a deadlock",
            [](const LockCounts& now) { return now.deadlocks; });
}

}  // namespace quorate::cluster
