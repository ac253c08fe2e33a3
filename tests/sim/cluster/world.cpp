#include "world.hpp"

#include <algorithm>
#include <span>

#include <fmt/core.h>

#include "sim/seeds.hpp"

namespace quorate::cluster::simulator {

using sim::between;
using sim::milliseconds;
using sim::seconds;
using sim::Time;

namespace {
constexpr auto kProgressWithin = seconds(60);
constexpr auto kQuietFor = seconds(6);
constexpr auto kTrafficSettles = seconds(3);
}  // namespace

Scenario Scenario::draw(Random& random) {
    Scenario scenario;
    scenario.nodes = random.one_in(3) ? 2 + random.below(7) : 2 + random.below(3);
    for (std::size_t i = 0; i < scenario.nodes; ++i) {
        scenario.votes.push_back(random.one_in(8) ? static_cast<std::uint32_t>(random.below(3))
                                                  : 1);
    }
    scenario.votes.front() = std::max(scenario.votes.front(), 1U);
    if (random.one_in(2)) {
        const auto all_but_one = static_cast<std::uint32_t>(scenario.nodes - 1);
        scenario.disk_votes = random.one_in(2) ? 1 : all_but_one;
        scenario.restless_disk = random.one_in(3);
    }
    scenario.pause_max = random.one_in(3) ? seconds(1) : seconds(4);
    constexpr milliseconds kLeases[] = {milliseconds(1500), milliseconds(3000), kLeaseMax};
    scenario.lease = kLeases[random.below(3)];
    scenario.chattiness = random.one_in(3) ? 40 : 2;
    return scenario;
}

Scenario Scenario::draw_pair(Random& random) {
    auto scenario = draw(random);
    scenario.nodes = 2;
    scenario.votes.assign(2, 1);
    scenario.disk_votes = 1;
    scenario.pause_max = seconds(1);
    return scenario;
}

Mischief Mischief::draw(std::uint64_t seed) {
    constexpr std::uint64_t kApart = 185ULL << 32;
    Random random(seed ^ kApart);
    Mischief mischief;
    if (!random.one_in(3)) {
        return mischief;
    }
    mischief.stranger = random.one_in(3);
    mischief.blackouts = random.one_in(3);
    mischief.corosync_dies = random.one_in(3);
    mischief.old_floors = random.one_in(3);
    mischief.slow_flushes = random.one_in(3);
    mischief.stranger_votes = static_cast<std::uint32_t>(random.below(10));
    return mischief;
}

World::World(std::uint64_t seed, Scenario scenario)
    : own_events_(std::make_unique<sim::EventQueue>()),
      events_(*own_events_),
      random_(seed),
      scenario_(std::move(scenario)),
      mischief_(Mischief::draw(seed)),
      traced_(sim::number_from_environment("QUORATE_SIM_TRACE", 0) != 0) {
    build();
}

World::World(sim::EventQueue& events, Above& above, std::uint64_t seed, Scenario scenario,
             Mischief mischief)
    : events_(events),
      above_(&above),
      random_(seed),
      scenario_(std::move(scenario)),
      mischief_(mischief),
      traced_(sim::number_from_environment("QUORATE_SIM_TRACE", 0) > 1) {
    build();
}

void World::build() {
    QuorumDiskModel::Options disk;
    disk.votes = scenario_.disk_votes;
    disk.restless = scenario_.restless_disk;
    const auto machines = scenario_.nodes + (mischief_.stranger ? 1 : 0);
    for (std::size_t node = 0; node < machines; ++node) {
        const auto offset = between(random_, seconds(1), seconds(1000));
        const auto ppm = static_cast<std::int64_t>(random_.below(2001)) - 1000;
        hosts_.emplace_back(sim::NodeClock(offset, ppm));
        if (mischief_.old_floors || is_stranger(node)) {
            hosts_.back().durable = Floor{Epoch(random_.below(30)), {}};
        }
        disk.clocks.push_back(hosts_.back().clock);
    }
    Corosync::Options options;
    options.votes = scenario_.votes;
    options.votes.resize(machines);
    options.disk_votes = scenario_.disk_votes;
    options.connected = [this](std::size_t a, std::size_t b) { return connected(a, b); };
    network_ = std::make_unique<sim::Network>(
        events_, random_, sim::Network::Options{},
        sim::Network::Sink{
            [this](std::uint64_t connection, std::size_t node, std::string bytes) {
                feed(node, Channel::kNetwork, Arrived{ConnectionId(connection), std::move(bytes)});
            },
            [this](std::uint64_t connection, std::size_t node) {
                feed(node, Channel::kNetwork, Closed{ConnectionId(connection), "reset"});
            }});
    Corosync::Sink sink;
    sink.cpg = [this](std::size_t node, Corosync::CpgEvent event) {
        std::visit([&](auto& one) { feed(node, Channel::kGroup, MachineInput(std::move(one))); },
                   event);
    };
    sink.quorum = [this](std::size_t node, const QuorumChanged& change) {
        auto said = change;
        if (is_loud_stranger(node)) {
            said.votes = mischief_.stranger_votes;
            said.quorate = false;
        }
        if (hosts_[node].connected) {
            feed(node, Channel::kQuorum, said);
        }
    };
    corosync_ = std::make_unique<Corosync>(events_, random_, options, sink);
    disk_ = std::make_unique<QuorumDiskModel>(
        events_, random_, *corosync_, disk, [this](std::size_t node, const QuorumDisk& published) {
            if (!is_loud_stranger(node)) {
                feed(node, Channel::kDisk, published);
            }
        });
}

World::~World() = default;

std::string World::run() {
    for (std::size_t node = 0; node < hosts_.size(); ++node) {
        events_.after(between(random_, Time(0), seconds(2)), [this, node] { power_on(node); });
    }
    for (std::size_t node = 0; node < hosts_.size(); ++node) {
        talk_later(node);
    }
    fault_later();
    mischief_later();
    events_.run_until(scenario_.faulty);
    heal_everything();
    std::string missing;
    const auto end = events_.now() + kProgressWithin;
    auto rest = events_.now() + kQuietFor;
    Epoch epoch;
    while (events_.now() < std::min(end, rest) && breach().empty()) {
        events_.run_until(events_.now() + milliseconds(500));
        missing = progress_missing();
        const auto now = missing.empty() ? hosts_.front().machine->view()->epoch : Epoch(0);
        if (now == Epoch(0) || std::exchange(epoch, now) != now) {
            rest = events_.now() + kQuietFor;
        }
    }
    if (auto what = breach(); !what.empty()) {
        return what;
    }
    if (events_.now() < rest) {
        return "no progress: " + (missing.empty() ? "it never comes to rest" : missing);
    }
    silent_ = true;
    events_.run_until(events_.now() + kTrafficSettles);
    const auto what = breach();
    return what.empty() ? undelivered() : what;
}

void World::trace(std::size_t node, std::string_view what) const {
    if (traced_) {
        fmt::print("{:>12.6f} n{} {}\n", static_cast<double>(events_.now().count()) / 1e6, node + 1,
                   what);
    }
}

// ---- how it ends

std::string World::breach() const {
    for (const auto* what : {&oracle_.breach(), &leases_.breach(), &traffic_.breach()}) {
        if (!what->empty()) {
            return *what;
        }
    }
    return {};
}

// In the epoch that lasts, everything that was sent arrives.
std::string World::undelivered() const {
    const std::span members(hosts_.data(), scenario_.nodes);
    for (const auto& from : members) {
        for (const auto& to : members) {
            const auto count = traffic_.missing(from.id, to.id, from.machine->view()->epoch);
            if (count > 0) {
                return fmt::format("{} messages of node {} never reach node {}", count,
                                   from.id.node.value(), to.id.node.value());
            }
        }
    }
    return {};
}

std::string World::progress_missing() const {
    for (std::size_t node = 0; node < scenario_.nodes; ++node) {
        if (auto what = unfinished(node); !what.empty()) {
            return fmt::format("n{} {}", node + 1, what);
        }
    }
    return {};
}

std::string World::unfinished(std::size_t node) const {
    const auto& host = hosts_[node];
    if (!host.machine || host.machine->view() == nullptr) {
        return "has no view";
    }
    const auto status = host.machine->status(host.clock.exact(events_.now()));
    if (status.view->members.size() != scenario_.nodes) {
        return fmt::format("sees {} of {} members", status.view->members.size(), scenario_.nodes);
    }
    if (!status.quorate) {
        return "is not quorate";
    }
    if (status.view->epoch != hosts_.front().machine->view()->epoch) {
        return "is in another epoch";
    }
    if (status.lease.state != LeaseState::kRunning) {
        return "has no lease: " + status.lease.reason;
    }
    for (const auto& takeover : status.takeovers) {
        return fmt::format("waits to take over from {}: {}", takeover.name, takeover.waiting_for);
    }
    for (const auto& circuit : status.circuits) {
        for (const auto& ring : circuit.rings) {
            if (!ring.up) {
                return fmt::format("has no ring {} to {}: {}", ring.ring, circuit.name,
                                   ring.problem);
            }
        }
    }
    return {};
}

}  // namespace quorate::cluster::simulator
