#include "world.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "sim/seeds.hpp"

namespace quorate::quorum::simulator {

using sim::between;
using sim::milliseconds;
using sim::seconds;
using sim::Time;

namespace {

constexpr Uuid kCluster{0xc, 0x1};
constexpr auto kWordTakes = milliseconds(40);

Uuid disk_uuid(std::size_t disk) { return {0xd, disk}; }

}  // namespace

Scenario Scenario::draw(Random& random) {
    Scenario scenario;
    scenario.nodes = random.one_in(3) ? 2 + random.below(4) : 2 + random.below(2);
    scenario.disk_votes = random.one_in(2) ? 1 : static_cast<std::uint32_t>(scenario.nodes - 1);
    scenario.disks = random.one_in(3) ? 3 : 1;
    auto& timing = scenario.timing;
    timing = random.one_in(3) ? Timing::for_soft_mode() : Timing::for_watchdog();
    if (random.one_in(3) && timing.mode() == StopMode::kWatchdog) {
        // A long lease and a short stop: here it is the late renewal that decides.
        timing.lease = milliseconds(8000);
        timing.watchdog = milliseconds(3000);
    } else if (random.one_in(4) && timing.mode() == StopMode::kWatchdog) {
        timing.watchdog = timing.vote_timeout = milliseconds(8000);
    }
    if (random.one_in(2)) {
        timing.guard = milliseconds(0);  // nothing but the inequalities protects
    }
    timing.silence = timing.least_silence();
    if (timing.mode() == StopMode::kWatchdog) {
        timing.sync_timeout = timing.silence + 4 * timing.late_io + timing.guard;
    }
    scenario.publishes = random.one_in(2);
    scenario.pause_max = random.one_in(3) ? seconds(1) : seconds(5);
    scenario.ambushes = random.one_in(3);
    if (random.one_in(30)) {
        scenario.twins = true;
        scenario.nodes = 2;
        scenario.disk_votes = 1;
    }
    return scenario;
}

World::World(std::uint64_t seed, Scenario scenario)
    : random_(seed),
      scores_(~seed),
      scenario_(std::move(scenario)),
      traced_(sim::number_from_environment("QUORATE_SIM_TRACE", 0) != 0) {
    for (std::size_t node = 0; node < scenario_.nodes; ++node) {
        const auto offset = between(random_, seconds(1), seconds(1000));
        const auto ppm = static_cast<std::int64_t>(random_.below(2001)) - 1000;
        hosts_.emplace_back(sim::NodeClock(offset, ppm));
        hosts_.back().said.resize(scenario_.nodes);
    }
    Corosync::Options options;
    options.nodes = scenario_.nodes;
    options.timing = scenario_.timing;
    options.connected = [this](std::size_t a, std::size_t b) { return connected(a, b); };
    Corosync::Sink sink;
    sink.ring = [this](std::size_t node, RingId ring, NodeSet members) {
        if (scenario_.twins) {
            members = NodeSet(1);
        }
        feed(node, Channel::kRing, RingChanged{ring, members});
    };
    sink.votes_changed = [this] { oracle_->votes_changed(events_.now()); };
    corosync_ = std::make_unique<Corosync>(events_, random_, options, sink);
    oracle_ = std::make_unique<Oracle>(*corosync_, scenario_.nodes, scenario_.timing.mode());
    for (std::size_t disk = 0; disk < scenario_.disks; ++disk) {
        Header header;
        header.cluster = kCluster;
        header.disk = disk_uuid(disk);
        header.index = static_cast<std::uint8_t>(disk);
        header.count = static_cast<std::uint8_t>(scenario_.disks);
        header.timing = scenario_.timing;
        disks_.push_back(std::make_unique<Disk>(events_, random_, header, scenario_.nodes,
                                                [this](std::size_t node, VoterInput input) {
                                                    feed(node, Channel::kDisk, std::move(input));
                                                }));
    }
}

World::~World() = default;

std::string World::run() {
    for (std::size_t node = 0; node < hosts_.size(); ++node) {
        const bool second = scenario_.twins && node > 0;
        const auto from = second ? scenario_.timing.silence + scenario_.timing.lease : Time(0);
        events_.after(between(random_, from, from + seconds(second ? 20 : 2)),
                      [this, node] { power_on(node); });
    }
    if (!scenario_.twins) {
        score_later();
        fault_later();
    }
    const auto watch = [this](Time end) {
        while (events_.now() < end && oracle_->breach().empty()) {
            events_.run_until(std::min(end, events_.now() + milliseconds(500)));
        }
    };
    watch(scenario_.faulty);
    if (scenario_.twins) {
        watch(2 * scenario_.faulty);
        return oracle_->breach();
    }
    if (oracle_->breach().empty()) {
        heal_everything();
        if (auto what = progress(); !what.empty()) {
            return what;
        }
    }
    if (oracle_->breach().empty() && random_.one_in(4)) {
        if (auto what = fence_one(); !what.empty()) {
            return what;
        }
    }
    if (oracle_->breach().empty()) {
        if (auto what = last_loss(); !what.empty()) {
            return what;
        }
    }
    return oracle_->breach();
}

// ---- nodes

void World::power_on(std::size_t node) {
    auto& host = hosts_[node];
    if (host.on || *last_act_ != '\0') {
        return;
    }
    trace(node, "power on");
    host.on = true;
    host.frozen = false;
    corosync_->power_on(node);
    start_voter(node);
}

void World::power_off(std::size_t node) {
    auto& host = hosts_[node];
    if (!host.on) {
        return;
    }
    trace(node, "power off");
    kill_voter(node);
    for (auto& disk : disks_) {
        disk->orphan(node, /*power_lost=*/true);
    }
    ++host.watchdog;
    host.on = false;
    oracle_->power_lost(node);
    corosync_->power_off(node);
}

void World::start_voter(std::size_t node) {
    auto& host = hosts_[node];
    if (!host.on || host.voter) {
        return;
    }
    ++host.life;
    host.frozen = false;
    host.incarnation = Incarnation(random_.next());
    VoterOptions options;
    options.self = id_of(node);
    options.incarnation = host.incarnation;
    options.boot = {1, host.life};
    options.cluster = kCluster;
    options.timing = scenario_.timing;
    options.publish = milliseconds(scenario_.publishes ? 1000 : 0);
    host.voter = std::make_unique<Voter>(options);
    UseDisks use;
    const bool whole =
        std::ranges::all_of(hosts_,
                            [](const Host& one) { return one.on && one.voter && !one.frozen; }) &&
        cut_.empty() && corosync_->ring(node).members.size() == hosts_.size();
    for (std::size_t disk = 0; disk < disks_.size(); ++disk) {
        use.current.push_back({DiskNumber(static_cast<std::uint8_t>(disk)), disk_uuid(disk)});
        // What a dead process left under way has landed by the end of the probing, or never does.
        disks_[disk]->adopt(node, events_.now() + scenario_.timing.silence * 9 / 10);
        auto& path = disks_[disk]->path(node);
        path.stale = !healed_ && whole && random_.one_in(4);
        path.cache.clear();
        if (path.stale) {
            trace(node, "has a stale cache");
            calm_until_ = events_.now() + scenario_.timing.silence + seconds(12);
        }
    }
    Configured configured;
    configured.disk_votes = scenario_.disk_votes;
    for (std::size_t n = 0; n < hosts_.size(); ++n) {
        configured.nodes.push_back({Corosync::id_of(n), 1});
    }
    feed(node, Channel::kOther, configured);
    feed(node, Channel::kOther, use);
    feed(node, Channel::kOther, Scored{static_cast<std::uint32_t>(random_.below(3))});
    corosync_->track(node);
}

void World::kill_voter(std::size_t node) {
    auto& host = hosts_[node];
    if (!host.voter) {
        return;
    }
    trace(node, "voter dies");
    host.voter.reset();
    host.armed.reset();
    host.held_up.clear();
    host.channels.clear();
    for (auto& disk : disks_) {
        disk->orphan(node, /*power_lost=*/false);
    }
}

void World::freeze(std::size_t node, bool voter, bool corosync) {
    const auto duration = [this] { return between(random_, milliseconds(10), seconds(16)); };
    if (!hosts_[node].on) {
        return;
    }
    if (voter && !hosts_[node].frozen) {
        hosts_[node].frozen = true;
        events_.after(duration(), [this, node, life = hosts_[node].life] {
            if (hosts_[node].life == life) {
                thaw_voter(node);
            }
        });
    }
    if (corosync && corosync_->running(node)) {
        corosync_->freeze(node);
        events_.after(duration(), [this, node] { thaw_corosync(node); });
    }
}

void World::thaw_voter(std::size_t node) {
    auto& host = hosts_[node];
    if (!host.on || !std::exchange(host.frozen, false)) {
        return;
    }
    trace(node, "voter thaws");
    for (auto& act : std::exchange(host.held_up, {})) {
        act();
    }
    pump(node);
    arm(node);
}

void World::thaw_corosync(std::size_t node) {
    if (corosync_->on(node) && !corosync_->running(node)) {
        trace(node, "corosync thaws");
        corosync_->thaw(node);
        for (auto& act : std::exchange(hosts_[node].held_up, {})) {
            act();
        }
    }
}

// ---- the voter

bool World::runs(std::size_t node) const {
    return hosts_[node].on && hosts_[node].voter && !hosts_[node].frozen;
}

void World::feed(std::size_t node, Channel channel, VoterInput input) {
    auto& host = hosts_[node];
    if (host.voter) {
        host.channels[channel].push_back(std::move(input));
        pump(node);
    }
}

void World::pump(std::size_t node) {
    auto& host = hosts_[node];
    if (host.busy) {
        return;
    }
    host.busy = true;
    while (runs(node)) {
        const auto input = host.channels.take(random_);
        if (!input) {
            break;
        }
        step(node, *input);
    }
    host.busy = false;
}

void World::step(std::size_t node, const VoterInput& input) {
    auto& host = hosts_[node];
    carry_out(node, host.voter->step(host.clock.exact(events_.now()), input), 0);
    arm(node);
}

// A process may be stopped between any two of its acts.
void World::carry_out(std::size_t node, VoterOutputs outputs, std::size_t from) {
    const auto life = hosts_[node].life;
    for (auto i = from; i < outputs.size(); ++i) {
        if (!healed_ && events_.now() >= calm_until_ && random_.one_in(3000)) {
            freeze(node, /*voter=*/true, /*corosync=*/random_.one_in(3));
        }
        if (hosts_[node].frozen) {
            hosts_[node].held_up.push_back(
                [this, node, life, i, rest = std::move(outputs)]() mutable {
                    if (hosts_[node].life == life && hosts_[node].voter) {
                        carry_out(node, std::move(rest), i);
                    }
                });
            return;
        }
        std::visit([&](const auto& one) { on(node, one); }, outputs[i]);
        if (!hosts_[node].voter || hosts_[node].life != life) {
            return;
        }
    }
}

void World::arm(std::size_t node) {
    auto& host = hosts_[node];
    if (!runs(node)) {
        return;
    }
    const auto when = std::max(host.clock.when(host.voter->deadline()), events_.now());
    if (host.armed && *host.armed <= when) {
        return;
    }
    host.armed = when;
    events_.at(when, [this, node, when, life = host.life] {
        auto& due = hosts_[node];
        if (due.life != life || due.armed != when) {
            return;
        }
        due.armed.reset();
        if (runs(node)) {
            feed(node, Channel::kOther, Tick{});
        }
    });
}

void World::on(std::size_t node, const ReadPages& output) {
    disks_[output.disk.value()]->read(node, output);
}
void World::on(std::size_t node, const WritePage& output) {
    disks_[output.disk.value()]->write(node, output);
}

void World::on(std::size_t node, const Poll& output) {
    if (trap_ && !healed_ && *trap_ != node && output.cast) {
        spring(node, output);
        return;
    }
    events_.after(between(random_, Time(20), milliseconds(random_.one_in(50) ? 300 : 3)),
                  [this, node, output, life = hosts_[node].life] { poll(node, life, output); });
}

void World::poll(std::size_t node, std::uint64_t life, const Poll& output) {
    auto& host = hosts_[node];
    if (host.life != life || !host.voter) {
        return;
    }
    if (host.frozen || !corosync_->running(node)) {
        host.held_up.push_back([this, node, life, output] { poll(node, life, output); });
        return;
    }
    const bool late = host.clock.exact(events_.now()) >= output.before;
    const bool ok = !late && corosync_->poll(node, output.cast, output.ring);
    if (traced_) {
        trace(node, fmt::format("polls {} for ring {}.{}{}", output.cast, output.ring.node.value(),
                                output.ring.sequence,
                                ok     ? ""
                                : late ? ", too late"
                                       : ", refused"));
    }
    events_.after(between(random_, Time(20), milliseconds(5)), [this, node, output, ok, life] {
        if (hosts_[node].life == life) {
            feed(node, Channel::kPoll, Polled{output.ring, output.cast, ok});
        }
    });
}

// In order, or not at all.
void World::on(std::size_t node, const Say& output) {
    const auto to = output.to.value() - 1;
    auto& arrives = hosts_[node].said[to];
    arrives = std::max(arrives, events_.now() + between(random_, Time(100), kWordTakes));
    events_.at(arrives, [this, node, to, bytes = output.bytes, life = hosts_[node].life] {
        if (connected(node, to) && hosts_[node].life == life) {
            feed(to, Channel::kPeer, PeerSaid{Corosync::id_of(node), bytes});
        }
    });
}

void World::on(std::size_t node, const FeedWatchdog& output) {
    if (hosts_[node].clock.exact(events_.now()) >= output.before) {
        return;
    }
    const auto number = ++hosts_[node].watchdog;
    events_.after(scenario_.timing.watchdog, [this, node, number] {
        if (hosts_[node].watchdog == number && hosts_[node].on) {
            trace(node, "watchdog resets");
            power_off(node);
            events_.after(between(random_, seconds(2), seconds(20)),
                          [this, node] { power_on(node); });
        }
    });
}

void World::on(std::size_t node, const Publish& output) {
    if (output.votes > 0) {
        oracle_->published(events_.now(), node, hosts_[node].clock.when(output.until));
    }
}

void World::on(std::size_t node, const FenceDone& output) {
    last_fence_ = output;
    trace(node, fmt::format("fence of {}: {}", output.target.value(), output.text));
    const auto target = output.target.value() - 1;
    if (output.done) {
        oracle_->fenced(target, hosts_[target].incarnation == output.incarnation);
    }
}

void World::on(std::size_t node, const Note& output) {
    if (traced_) {
        trace(node, output.event + " " + output.text);
    }
    if (output.event == "evicted") {
        events_.after(between(random_, seconds(1), seconds(8)),
                      [this, node, life = hosts_[node].life] {
                          if (hosts_[node].life == life && hosts_[node].voter) {
                              kill_voter(node);
                              start_voter(node);
                          }
                      });
    }
}

void World::on(std::size_t node, const Stopped&) {
    trace(node, "stopped in order");
    kill_voter(node);
    ++hosts_[node].watchdog;
    if (*last_act_ == '\0') {
        events_.after(between(random_, milliseconds(50), seconds(5)),
                      [this, node] { start_voter(node); });
    }
}

NodeId World::id_of(std::size_t node) const { return Corosync::id_of(scenario_.twins ? 0 : node); }

void World::trace(std::size_t node, std::string_view what) const {
    if (traced_) {
        fmt::print("{:>12.6f} n{} {}\n", static_cast<double>(events_.now().count()) / 1e6, node + 1,
                   what);
    }
}

}  // namespace quorate::quorum::simulator
