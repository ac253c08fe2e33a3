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

constexpr std::uint64_t kOtherSeeds = 0x5eed'0062'0000'0000;
constexpr std::uint64_t kFenceSeeds = 0x5eed'0063'0000'0000;
constexpr std::uint64_t kSceneSeeds = 0x5eed'0064'0000'0000;

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
    scenario.tighten();
    scenario.publishes = random.one_in(2);
    scenario.pause_max = random.one_in(3) ? seconds(1) : seconds(5);
    scenario.ambushes = random.one_in(3);
    scenario.resets = !random.one_in(8);
    if (random.one_in(30)) {
        scenario.twins = true;
        scenario.nodes = 2;
        scenario.disk_votes = 1;
    }
    return scenario;
}

void Scenario::tighten() {
    timing.silence = timing.least_silence();
    if (timing.mode() == StopMode::kWatchdog) {
        timing.sync_timeout = timing.silence + 4 * timing.late_io + timing.guard;
    }
}

World::World(std::uint64_t seed, const Scenario& scenario)
    : random_(seed),
      scores_(~seed),
      fences_(seed ^ kFenceSeeds),
      replacements_(seed ^ kOtherSeeds),
      scenes_(seed ^ kSceneSeeds),
      scenario_(scenario.staged(scenes_)),
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
        note_quorum();
        feed(node, Channel::kRing, RingChanged{ring, members});
    };
    sink.votes_changed = [this] {
        note_quorum();
        oracle_->votes_changed(events_.now());
    };
    corosync_ = std::make_unique<Corosync>(events_, random_, options, sink);
    oracle_ = std::make_unique<Oracle>(*corosync_, scenario_.nodes, scenario_.timing.mode());
    for (std::size_t disk = 0; disk < scenario_.disks; ++disk) {
        used_.current.push_back(disk);
        format_disk();
    }
    for (auto& host : hosts_) {
        host.used = used_;
    }
}

World::~World() = default;

std::string World::run() {
    const bool staged = scenario_.scene != Scene::kNone;
    for (std::size_t node = 0; node < hosts_.size() && !staged; ++node) {
        const bool second = scenario_.twins && node > 0;
        const auto from = second ? scenario_.timing.silence + scenario_.timing.lease : Time(0);
        events_.after(between(random_, from, from + seconds(second ? 20 : 2)),
                      [this, node] { power_on(node); });
    }
    if (staged) {
        set_scene();
    } else if (!scenario_.twins) {
        score_later();
        fault_later();
        fence_later();
        scenario_.replaces = replacements_.one_in(5);
    }
    if (scenario_.replaces) {
        replace_later();
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
    if (oracle_->breach().empty() && scenario_.replaces) {
        if (auto what = recall(); !what.empty()) {
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
    ++host.boot;
    host.bound = false;
    host.worked.reset();
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
    host.unbindable = false;
    host.incarnation = Incarnation(random_.next());
    VoterOptions options;
    options.self = id_of(node);
    options.incarnation = host.incarnation;
    options.boot = {node + 1, host.boot};
    options.bound = host.bound;
    options.remembered = host.remembered;
    options.resets = scenario_.resets;
    boots_[host.incarnation] = host.boot;
    options.cluster = kCluster;
    options.timing = scenario_.timing;
    options.publish = milliseconds(scenario_.publishes ? 1000 : 0);
    host.voter = std::make_unique<Voter>(options);
    const bool whole =
        std::ranges::all_of(hosts_,
                            [](const Host& one) { return one.on && one.voter && !one.frozen; }) &&
        cut_.empty() && corosync_->ring(node).members.size() == hosts_.size();
    for (std::size_t disk = 0; disk < disks_.size(); ++disk) {
        // What a dead process left under way has landed by the end of the probing, or never does.
        disks_[disk]->adopt(node, events_.now() + scenario_.timing.silence * 9 / 10);
        auto& path = disks_[disk]->path(node);
        path.stale = !healed_ && whole && scenario_.scene == Scene::kNone && random_.one_in(4);
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
    feed(node, Channel::kOther, use_of(host.used));
    feed(node, Channel::kOther, Scored{static_cast<std::uint32_t>(random_.below(3))});
    corosync_->track(node);
}

void World::kill_voter(std::size_t node) {
    auto& host = hosts_[node];
    if (!host.voter) {
        return;
    }
    trace(node, "voter dies");
    forget_words(node);
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

}  // namespace quorate::quorum::simulator
