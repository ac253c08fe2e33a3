#include "world.hpp"
#include "replay.hpp"

#include <algorithm>
#include <cstdlib>

#include <fmt/core.h>

namespace quorate::lockmgr::simulator {

Scenario Scenario::draw(Random& random) {
    Scenario scenario;
    scenario.nodes = 2 + random.below(random.one_in(4) ? 6 : 3);
    scenario.clients = 1 + random.below(3);
    scenario.roots = 1 + random.below(5);
    const bool alike = random.one_in(2);
    for (std::size_t i = 0; i < scenario.nodes; ++i) {
        scenario.weights.push_back(alike ? 1U : static_cast<std::uint32_t>(random.below(4)));
    }
    scenario.faults = !random.one_in(6);
    scenario.sublocks = random.one_in(2);
    scenario.drains = random.one_in(4);
    scenario.pace = milliseconds(2 + random.below(random.one_in(3) ? 12 : 60));
    scenario.fault_pause = milliseconds(30 + random.below(600));
    if (random.one_in(8)) {
        scenario.local = true;
        scenario.roots = scenario.nodes + 1;
        scenario.busy = seconds(9);
        scenario.pace = milliseconds(8);
        scenario.fault_pause = milliseconds(3000);
    }
    scenario.idle = milliseconds(random.one_in(2) ? 20 : 400);
    scenario.recovery_trees = random.one_in(2) ? 1 : 256;
    scenario.freezes = random.one_in(3);
    scenario.detection = milliseconds(random.one_in(3) ? 2000 : 300);
    return scenario;
}

Scenario Scenario::restless(Random& random) {
    auto scenario = draw(random);
    scenario.nodes = 3 + random.below(3);
    scenario.weights.assign(scenario.nodes, 1);
    scenario.faults = true;
    scenario.local = false;
    scenario.roots = 4;
    scenario.clients = 3;
    scenario.drains = true;
    scenario.busy = seconds(6);
    scenario.pace = milliseconds(6 + random.below(30));
    scenario.fault_pause = milliseconds(100 + random.below(500));
    scenario.idle = milliseconds(20);
    scenario.detection = milliseconds(2000);
    return scenario;
}

World::World(std::uint64_t seed, Scenario scenario)
    : random_(seed * 0x9e3779b97f4a7c15 + 1),
      scenario_(std::move(scenario)),
      hosts_(scenario_.nodes),
      traced_(std::getenv("QUORATE_SIM_TRACE") != nullptr) {}

// ---- machines

void World::start(std::size_t node) {
    auto& host = hosts_[node];
    if (host.manager) {
        return;
    }
    LockManagerOptions options;
    host.life = {NodeId(static_cast<std::uint32_t>(node + 1)),
                 cluster::Incarnation(++incarnations_)};
    options.self = host.life;
    options.idle = std::chrono::duration_cast<std::chrono::milliseconds>(scenario_.idle);
    options.residence = std::chrono::milliseconds(100);
    options.recovery_trees = scenario_.recovery_trees;
    host.manager = std::make_unique<LockManager>(options);
    host.trace = std::make_unique<LockTrace>(options, recording_ ? 256U << 20U : 0U);
    host.started = events_.now();
    host.epoch = cluster::Epoch(0);
    host.quorate = false;
    host.draining = false;
    host.views.clear();
    host.armed.reset();
    host.lease = sim::Time(0);
    host.frozen = false;
    host.postponed.clear();
    host.clients.assign(scenario_.clients, SimClient{});
    host.orphans.clear();
    trace(node, "starts");
    give(node, LeaseKnown{});  // it has none yet
    renew_lease_later(node);
    for (std::size_t client = 0; client < scenario_.clients; ++client) {
        open(node, client);
        act_later(node, client);
    }
    topology_changed();
}

void World::crash(std::size_t node) {
    auto& host = hosts_[node];
    if (!host.manager) {
        return;
    }
    check_replay(node);
    moves_ += host.manager->counts().moves;
    deadlocks_ += host.manager->counts().deadlocks;
    oracle_.lost(host.life);
    if (host.epoch == cluster::Epoch(0) || !lineage_ || !expelled_.contains(host.life)) {
        const bool member = lineage_ && lineage_->find(host.life) != nullptr;
        if (!member) {
            oracle_.taken_over(host.life, events_.now());  // it never was one
        }
    }
    host.manager.reset();
    host.quorate = false;
    host.frozen = false;
    host.postponed.clear();
    host.orphans.clear();
    for (auto& client : host.clients) {
        client = SimClient{};
    }
    for (std::size_t to = 0; to < hosts_.size(); ++to) {
        lanes_[{node, to}].packets.clear();
        lanes_[{to, node}].packets.clear();
    }
}

void World::give(std::size_t node, const LockInput& input) {
    auto& host = hosts_[node];
    std::vector<LockOutput> outputs;
    const MonoTime now(std::chrono::duration_cast<std::chrono::milliseconds>(events_.now()) +
                       std::chrono::seconds(1000 * (node + 1)));
    host.manager->step(now, input, outputs);
    host.trace->record(now, input, outputs);
    for (const auto& output : outputs) {
        carry_out(node, output);
    }
    if (host.manager) {
        arm(node);
    }
    if (random_.one_in(16)) {
        inspect();
    }
}

void World::check_replay(std::size_t node) {
    const auto& host = hosts_[node];
    const auto failure = host.manager && recording_ ? replay(host.trace->bytes()) : std::string();
    if (!failure.empty()) {
        oracle_.fail(fmt::format("n{} replayed: {}", node + 1, failure));
    }
}

void World::arm(std::size_t node) {
    auto& host = hosts_[node];
    const auto deadline = host.manager->deadline();
    if (!deadline) {
        return;
    }
    const auto when = std::max(sim::Time(deadline->time_since_epoch()) - seconds(1000 * (node + 1)),
                               events_.now() + sim::Time(100));
    if (host.armed && *host.armed <= when) {
        return;
    }
    host.armed = when;
    later(node, when - events_.now(), [this, node, when] {
        auto& due = hosts_[node];
        if (due.armed == when) {
            due.armed.reset();
            give(node, Tick{});
        }
    });
}

// By this life of the node; if it is frozen then, when it goes on.
void World::later(std::size_t node, sim::Time delay, std::function<void()> what) {
    events_.after(delay, [this, node, life = hosts_[node].life, what = std::move(what)] {
        auto& host = hosts_[node];
        if (!host.manager || host.life != life) {
            return;
        }
        if (host.frozen) {
            host.postponed.push_back(what);
        } else {
            what();
        }
    });
}

// To the millisecond that its lock manager sees.
bool World::lease_runs(std::size_t node) const {
    return events_.now() / milliseconds(1) < hosts_[node].lease / milliseconds(1);
}

void World::carry_out(std::size_t node, const LockOutput& output) {
    std::visit([&](const auto& one) { on(node, one); }, output);
}

void World::on(std::size_t node, const Note& output) {
    trace(node, fmt::format("{} {}", output.event, output.text));
    if (output.level == LogLevel::kError) {
        oracle_.fail(fmt::format("n{}: {} {}", node + 1, output.event, output.text));
    }
}

void World::on(std::size_t, const Revoked&) {}

// It leaves, and comes back as another life.
void World::on(std::size_t node, const Drained&) {
    trace(node, "drained");
    if (hosts_[node].manager->counts().trees_mastered != 0) {
        oracle_.fail(fmt::format("n{} is drained and still masters trees", node + 1));
    }
    events_.after(sim::Time(1), [this, node, life = hosts_[node].life] {
        if (hosts_[node].manager && hosts_[node].life == life) {
            crash(node);
            topology_changed();
            events_.after(milliseconds(50), [this, node] { start(node); });
        }
    });
}

void World::trace(std::size_t node, std::string_view what) const {
    if (traced_) {
        fmt::print("{:>10.6f} n{} {}\n", static_cast<double>(events_.now().count()) / 1e6, node + 1,
                   what);
    }
}

// ---- from outside

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
            check_turns(node, path, info);
            check_conversions(path, info);
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

// Nobody waits long for a move away from here, whatever became of the tree's other users.
void World::check_moves(std::size_t node) {
    const auto& host = hosts_[node];
    std::set<std::string> here;
    host.manager->each_resource([&](const ResourceInfo& info) {
        if (info.here) {
            here.insert(info.path.front());
        }
    });
    for (const auto& client : host.clients) {
        for (const auto& [id, lock] : client.locks) {
            const LockKey key{host.life, id};
            const auto root = lock.resource.substr(0, lock.resource.find('/'));
            if (host.frozen || !here.contains(root) || host.manager->why(id) != WaitCause::kMove) {
                moving_.erase(key);
                continue;
            }
            const auto& [epoch, since] =
                moving_.try_emplace(key, host.epoch, events_.now()).first->second;
            if (epoch != host.epoch) {
                moving_[key] = {host.epoch, events_.now()};
            } else if (events_.now() - since > milliseconds(800)) {
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
            return fmt::format("n{} has not drained", node + 1);
        }
        if (host.manager->counts().recovering) {
            return fmt::format("n{} is still recovering", node + 1);
        }
        for (const auto& client : host.clients) {
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
    }
    return {};
}

std::string World::run() {
    for (std::size_t node = 0; node < hosts_.size(); ++node) {
        start(node);
    }
    fault_later();
    const auto until = [&](sim::Time end) {
        while (oracle_.breach().empty() && !events_.empty() && events_.now() < end) {
            events_.step();
        }
    };
    until(scenario_.busy);
    heal();
    const auto patience = events_.now() + seconds(15);
    std::string missing = "nothing happened";
    while (oracle_.breach().empty() && !missing.empty() && events_.now() < patience) {
        until(events_.now() + milliseconds(200));
        missing = progress_missing();
    }
    if (oracle_.breach().empty() && missing.empty()) {
        const auto end = events_.now() + seconds(6);  // a takeover may take its time
        do {
            until(events_.now() + seconds(1));
            missing = leftovers();
        } while (oracle_.breach().empty() && !missing.empty() && events_.now() < end);
    }
    for (std::size_t node = 0; node < hosts_.size(); ++node) {
        check_replay(node);
    }
    for (const auto& host : hosts_) {
        if (host.manager) {
            moves_ += host.manager->counts().moves;
            deadlocks_ += host.manager->counts().deadlocks;
        }
    }
    return oracle_.breach().empty() ? missing : oracle_.breach();
}

}  // namespace quorate::lockmgr::simulator
