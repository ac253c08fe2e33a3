#include "world.hpp"
#include "replay.hpp"

#include <algorithm>
#include <cstdlib>

#include <fmt/core.h>

namespace quorate::lockmgr::simulator {

World::World(std::uint64_t seed, Scenario scenario)
    : random_(seed * 0x9e3779b97f4a7c15 + 1),
      scenario_(std::move(scenario)),
      hosts_(scenario_.nodes),
      watched_(seed % 32 == 0),
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
    options.domains = {{"d", 0, 0, 0700}};
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
    domains_.lost(host.life);
    if (host.epoch == cluster::Epoch(0) || !lineage_ || !expelled_.contains(host.life)) {
        const bool member = lineage_ && lineage_->find(host.life) != nullptr;
        if (!member) {
            oracle_.taken_over(host.life, events_.now());  // it never was one
            domains_.taken_over(host.life, events_.now());
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
    const bool due = random_.one_in(16);
    if (due || watched_) {
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
