#include <algorithm>

#include <fmt/core.h>

#include "world.hpp"

// What is looked at from outside.
namespace quorate::lockmgr::simulator {
namespace {

// Two locks that no master may have as granted together; empty if there are none.
std::string conflict_in(const ResourceInfo& info) {
    for (auto one = info.locks.begin(); one != info.locks.end(); ++one) {
        for (auto other = info.locks.begin(); other != one; ++other) {
            const bool held = one->queue != LockInfo::Queue::kWaiting &&
                              other->queue != LockInfo::Queue::kWaiting;
            if (held && !compatible(one->granted, other->granted)) {
                return fmt::format("n{} {:x} {} beside n{} {:x} {}", one->node.value(),
                                   one->lock.value(), name_of(one->granted), other->node.value(),
                                   other->lock.value(), name_of(other->granted));
            }
        }
    }
    return {};
}

}  // namespace

void World::inspect() {
    // The place of a request counts once its owner has heard of it.
    std::map<LockKey, std::int64_t> known;
    for (const auto& host : hosts_) {
        if (host.manager) {
            host.manager->each_resource([&](const ResourceInfo& info) {
                for (const auto& lock : info.locks) {
                    if (lock.node == host.life.node) {
                        known[{host.life, lock.lock}] = lock.order;
                    }
                }
            });
        }
    }
    for (std::size_t node = 0; node < hosts_.size(); ++node) {
        const auto& host = hosts_[node];
        if (!host.manager || !host.quorate || !lineage_ || host.epoch != lineage_->epoch) {
            continue;
        }
        check_moves(node);
        host.manager->each_resource([&](const ResourceInfo& info) {
            if (!info.here) {
                return;
            }
            std::string path;
            for (const auto& part : info.path) {
                path += (path.empty() ? "" : "/") + part;
            }
            if (info.path.size() == 1) {
                for (std::size_t other = 0; other < node; ++other) {
                    const auto& peer = hosts_[other];
                    if (!peer.manager || !peer.quorate || peer.epoch != host.epoch) {
                        continue;
                    }
                    peer.manager->each_resource([&](const ResourceInfo& theirs) {
                        if (theirs.here && theirs.path == info.path) {
                            oracle_.fail(fmt::format("{} has masters n{} and n{}", path, other + 1,
                                                     node + 1));
                        }
                    });
                }
            }
            std::vector<LockKey> waiting;
            for (const auto& lock : info.locks) {
                if (lock.queue == LockInfo::Queue::kWaiting) {
                    const auto& owner = hosts_[lock.node.value() - 1];
                    const LockKey key{owner.life, lock.lock};
                    if (known.contains(key) && known[key] == lock.order) {
                        waiting.push_back(key);
                    }
                }
            }
            oracle_.queues(path, waiting);
            if (const auto conflict = conflict_in(info); !conflict.empty()) {
                oracle_.fail(fmt::format("{} at its master n{}: {}", path, node + 1, conflict));
            }
            check_turns(node, path, info);
            check_conversions(path, info);
            check_heads(path, info);
        });
    }
}

// Once quiet, what an owner knows of its locks is what their masters know.
void World::compare_copies() {
    const bool under_way =
        std::ranges::any_of(lanes_, [](const auto& lane) { return !lane.second.packets.empty(); });
    if (under_way && !closing_) {
        events_.after(milliseconds(1), [this] { compare_copies(); });
        return;
    }
    closing_ = true;
    trace(0, "---- everybody gives up what it has");
    struct Copy {
        LockInfo lock;
        std::size_t masters = 0;
    };
    std::map<LockKey, Copy> copies;
    for (const auto& host : hosts_) {
        const bool settled = host.manager && host.quorate && lease_runs(&host - hosts_.data()) &&
                             !host.manager->counts().recovering &&
                             host.manager->counts().unacknowledged < 200;
        if (!settled || !lineage_ || host.epoch != lineage_->epoch || !lineage_->lost.empty()) {
            return;  // a late takeover or a drain: the end will show
        }
    }
    compare_domains();
    for (const bool masters : {false, true}) {
        for (const auto& host : hosts_) {
            host.manager->each_resource([&](const ResourceInfo& info) {
                for (const auto& lock : info.locks) {
                    const LockKey key{hosts_[lock.node.value() - 1].life, lock.lock};
                    if (!masters && lock.node == host.life.node) {
                        copies[key].lock = lock;
                    } else if (masters && info.here) {
                        auto& copy = copies[key];
                        ++copy.masters;
                        if (copy.lock.lock != lock.lock || copy.lock.granted != lock.granted ||
                            copy.lock.queue != lock.queue) {
                            oracle_.fail(fmt::format(
                                "{}: n{} lock {:x} is {} to its master, {} to its owner",
                                info.path.back(), lock.node.value(), lock.lock.value(),
                                name_of(lock.granted), name_of(copy.lock.granted)));
                        }
                    }
                }
            });
        }
    }
    for (const auto& host : hosts_) {
        host.manager->each_resource([&](const ResourceInfo& info) {
            if (info.here) {
                check_told(info);
            }
        });
    }
    for (const auto& [key, copy] : copies) {
        if (copy.masters != 1) {
            oracle_.fail(fmt::format("n{} lock {:x} is known to {} masters", key.life.node.value(),
                                     key.lock.value(), copy.masters));
        }
    }
}

void World::see_roots(std::size_t master, std::set<std::string>& roots) const {
    hosts_[master].manager->each_resource([&](const ResourceInfo& info) {
        if (info.here) {
            roots.insert(info.path.front());
        }
    });
}

// Nobody waits long for a move away from here, or from a master that is heard, whatever became of
// the tree's other users.
void World::check_moves(std::size_t node) {
    const auto& host = hosts_[node];
    std::set<std::string> here;
    see_roots(node, here);
    auto heard = here;
    for (std::size_t other = 0; other < hosts_.size(); ++other) {
        const auto& master = hosts_[other];
        const bool speaks = master.manager && master.quorate && !master.frozen &&
                            master.epoch == host.epoch && master.group == host.group;
        if (other != node && speaks && !silent_) {
            see_roots(other, heard);
        }
    }
    for (const auto& client : host.clients) {
        for (const auto& [id, lock] : client.locks) {
            const LockKey key{host.life, id};
            const auto root = lock.resource.substr(0, lock.resource.find('/'));
            if (host.frozen || !heard.contains(root) || host.manager->why(id) != WaitCause::kMove) {
                moving_.erase(key);
                continue;
            }
            const auto& [epoch, since] =
                moving_.try_emplace(key, host.epoch, events_.now()).first->second;
            const auto bound = milliseconds(here.contains(root) ? 800 : 1200);
            if (epoch != host.epoch) {
                moving_[key] = {host.epoch, events_.now()};
            } else if (events_.now() - since > bound) {
                oracle_.fail(fmt::format("n{}: {} has been moving for too long", node + 1, root));
            }
        }
    }
}

// Once quiet, whoever stands in the way has heard of it since its last grant.
void World::check_told(const ResourceInfo& info) {
    for (const auto& waiter : info.locks) {
        if (waiter.queue == LockInfo::Queue::kGranted) {
            continue;
        }
        for (const auto& holder : info.locks) {
            const auto* sim = known({hosts_[holder.node.value() - 1].life, holder.lock});
            if (holder.queue != LockInfo::Queue::kGranted || sim == nullptr ||
                compatible(waiter.requested, holder.granted)) {
                continue;
            }
            if (!sim->told || compatible(*sim->told, holder.granted)) {
                oracle_.fail(fmt::format("{}: n{} lock {:x} {} has not heard of n{} lock {:x} {}",
                                         info.path.back(), holder.node.value(), holder.lock.value(),
                                         name_of(holder.granted), waiter.node.value(),
                                         waiter.lock.value(), name_of(waiter.requested)));
            }
        }
    }
}

// A resource as its master sees it.
std::string World::in_the_way(const std::string& resource) const {
    std::string what;
    for (std::size_t node = 0; node < hosts_.size(); ++node) {
        if (!hosts_[node].manager) {
            continue;
        }
        hosts_[node].manager->each_resource([&](const ResourceInfo& info) {
            std::string path;
            for (const auto& part : info.path) {
                path += (path.empty() ? "" : "/") + part;
            }
            if (!info.here || path != resource) {
                return;
            }
            what += fmt::format(" [{} at n{}:", path, node + 1);
            for (const auto& lock : info.locks) {
                const auto& owner = hosts_[lock.node.value() - 1];
                bool known = false;
                for (const auto& client : owner.clients) {
                    known = known || client.locks.contains(lock.lock);
                }
                what += fmt::format(" n{} {:x}{} {} {}->{}", lock.node.value(), lock.lock.value(),
                                    known ? "" : "!", static_cast<int>(lock.queue),
                                    name_of(lock.granted), name_of(lock.requested));
            }
            what += "]";
        });
    }
    return what;
}

std::string World::progress_missing() const {
    std::string stuck;
    for (std::size_t node = 0; node < hosts_.size(); ++node) {
        const auto& host = hosts_[node];
        if (!host.manager || !host.quorate) {
            return fmt::format("n{} is not in a view with quorum", node + 1);
        }
        if (host.draining) {
            const auto counts = host.manager->counts();
            return fmt::format("n{} has not drained: {} trees, {} locks", node + 1,
                               counts.trees_mastered, counts.locks);
        }
        if (host.manager->counts().recovering) {
            return fmt::format("n{} is still recovering", node + 1);
        }
        for (const auto& client : host.clients) {
            if (!client.defining.empty()) {
                stuck +=
                    fmt::format("n{} has a client whose definition is not answered; ", node + 1);
            }
            if (!closing_ || client.pending != 0 || !client.locks.empty() ||
                !client.starting.empty()) {
                std::string what;
                for (const auto& [id, lock] : client.locks) {
                    if (lock.pending != RequestId(0)) {
                        what += in_the_way(lock.resource);
                    }
                    const auto why = host.manager->why(id);
                    what +=
                        fmt::format(" {:x} {} {}{}", id.value(), lock.resource, name_of(lock.mode),
                                    why ? fmt::format(" waits for {} ({})", name_of(lock.requested),
                                                      name_of(*why))
                                        : "");
                }
                stuck += fmt::format("n{} has a client with {} pending:{}; ", node + 1,
                                     client.pending, what);
            }
        }
    }
    return stuck;
}

// With every client done nothing is left anywhere.
std::string World::leftovers() const {
    for (std::size_t node = 0; node < hosts_.size(); ++node) {
        if (!hosts_[node].manager) {
            return fmt::format("n{} is down", node + 1);
        }
        const auto counts = hosts_[node].manager->counts();
        if (counts.locks != 0) {
            std::string what;
            hosts_[node].manager->each_resource([&](const ResourceInfo& info) {
                for (const auto& lock : info.locks) {
                    what += fmt::format(" {} n{} {:x} {}", info.path.front(), lock.node.value(),
                                        lock.lock.value(), name_of(lock.granted));
                }
            });
            return fmt::format("n{} still has {} locks:{}", node + 1, counts.locks, what);
        }
        std::string empty;
        hosts_[node].manager->each_resource([&](const ResourceInfo& info) {
            if (info.path.size() > 1) {
                empty = fmt::format("n{} still has {}/{}", node + 1, info.path.front(),
                                    info.path.back());
            }
        });
        if (!empty.empty()) {
            return empty;
        }
    }
    return {};
}

}  // namespace quorate::lockmgr::simulator
