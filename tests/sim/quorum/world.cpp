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
constexpr auto kQuietFor = seconds(5);
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
    }
    timing.silence = timing.least_silence();
    if (timing.mode() == StopMode::kWatchdog) {
        timing.sync_timeout = timing.silence + 4 * timing.late_io + timing.guard;
    }
    scenario.publishes = random.one_in(2);
    scenario.pause_max = random.one_in(3) ? seconds(1) : seconds(5);
    return scenario;
}

World::World(std::uint64_t seed, Scenario scenario)
    : random_(seed),
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
        events_.after(between(random_, Time(0), seconds(2)), [this, node] { power_on(node); });
    }
    fault_later();
    const auto watch = [this](Time end) {
        while (events_.now() < end && oracle_->breach().empty()) {
            events_.run_until(std::min(end, events_.now() + milliseconds(500)));
        }
    };
    watch(scenario_.faulty);
    if (oracle_->breach().empty()) {
        heal_everything();
        if (auto what = progress(); !what.empty()) {
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
    options.self = Corosync::id_of(node);
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
    for (auto& channel : host.channels) {
        channel.clear();
    }
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
        host.channels[static_cast<std::size_t>(channel)].push_back(std::move(input));
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
        std::array<std::size_t, kChannels> ready{};
        std::size_t count = 0;
        for (std::size_t i = 0; i < kChannels; ++i) {
            if (!host.channels[i].empty()) {
                ready[count++] = i;
            }
        }
        if (count == 0) {
            break;
        }
        auto& channel = host.channels[ready[random_.below(count)]];
        const auto input = std::move(channel.front());
        channel.pop_front();
        step(node, input);
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
        if (!healed_ && random_.one_in(3000)) {
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

void World::trace(std::size_t node, std::string_view what) const {
    if (traced_) {
        fmt::print("{:>12.6f} n{} {}\n", static_cast<double>(events_.now().count()) / 1e6, node + 1,
                   what);
    }
}

// ---- faults

void World::fault_later() {
    events_.after(between(random_, milliseconds(20), scenario_.pause_max), [this] {
        if (!healed_) {
            if (events_.now() >= calm_until_) {
                fault();
            }
            fault_later();
        }
    });
}

void World::fault() {
    const auto node = random_.below(hosts_.size());
    const auto pause = between(random_, milliseconds(50), seconds(20));
    const auto kind = random_.below(16);
    constexpr const char* kNames[] = {"power off",    "kill",         "stop",
                                      "freeze voter", "freeze voter", "freeze corosync",
                                      "freeze node",  "split",        "split",
                                      "split",        "cut",          "heal links",
                                      "heal links",   "spoil path",   "spoil path",
                                      "fence"};
    trace(node, fmt::format("---- {}", kNames[kind]));
    switch (kind) {
        case 0:
            power_off(node);
            if (random_.one_in(4)) {
                for (std::size_t other = 0; other < hosts_.size(); ++other) {
                    feed(other, Channel::kOther,
                         FenceConfirmed{Corosync::id_of(node), hosts_[node].incarnation});
                }
            }
            events_.after(pause, [this, node] { power_on(node); });
            break;
        case 1:
            kill_voter(node);
            events_.after(pause / 4, [this, node] { start_voter(node); });
            break;
        case 2:
            feed(node, Channel::kOther, StopVoting{});
            break;
        case 3:
        case 4:
            freeze(node, /*voter=*/true, /*corosync=*/false);
            break;
        case 5:
            freeze(node, /*voter=*/false, /*corosync=*/true);
            break;
        case 6:
            freeze(node, /*voter=*/true, /*corosync=*/true);
            break;
        case 7:
        case 8:
        case 9:
            split();
            break;
        case 10:
            cut_some();
            break;
        case 11:
        case 12:
            cut_.clear();
            corosync_->topology_changed();
            break;
        case 13:
        case 14:
            spoil_path(node);
            break;
        default:
            feed(node, Channel::kOther,
                 FenceWanted{Corosync::id_of(random_.below(hosts_.size())), "drill"});
            break;
    }
}

void World::split() {
    std::vector<bool> left(hosts_.size());
    for (std::size_t node = 0; node < hosts_.size(); ++node) {
        left[node] = random_.one_in(2);
    }
    for (std::size_t a = 0; a < hosts_.size(); ++a) {
        for (std::size_t b = a + 1; b < hosts_.size(); ++b) {
            if (left[a] != left[b]) {
                cut_.insert({a, b});
            }
        }
    }
    corosync_->topology_changed();
}

void World::cut_some() {
    const auto a = random_.below(hosts_.size());
    const auto b = random_.below(hosts_.size());
    if (a != b) {
        cut_.insert({std::min(a, b), std::max(a, b)});
        corosync_->topology_changed();
    }
}

void World::spoil_path(std::size_t node) {
    const auto disk = random_.below(disks_.size());
    auto& path = disks_[disk]->path(node);
    const auto kind = random_.below(4);
    path.hung = kind == 0;
    path.failing = kind == 1;
    path.losing = kind == 2;
    path.slow = kind == 3 ? between(random_, milliseconds(500), seconds(8)) : Time(0);
    events_.after(between(random_, milliseconds(100), seconds(15)), [this, node, disk] {
        auto& spoilt = disks_[disk]->path(node);
        const bool stale = spoilt.stale;
        const auto cache = spoilt.cache;
        disks_[disk]->heal(node);
        disks_[disk]->path(node).stale = stale;
        disks_[disk]->path(node).cache = cache;
    });
}

bool World::connected(std::size_t a, std::size_t b) const {
    return a == b || !cut_.contains({std::min(a, b), std::max(a, b)});
}

void World::heal_everything() {
    healed_ = true;
    trace(0, "---- everything heals");
    cut_.clear();
    for (std::size_t node = 0; node < hosts_.size(); ++node) {
        for (auto& disk : disks_) {
            disk->heal(node);
        }
        power_on(node);
        start_voter(node);
        thaw_corosync(node);
        thaw_voter(node);
    }
    corosync_->topology_changed();
}

std::string World::ailing() const {
    for (std::size_t node = 0; node < hosts_.size(); ++node) {
        const auto& host = hosts_[node];
        if (!host.voter) {
            return fmt::format("n{} has no voter", node + 1);
        }
        const auto status = host.voter->status(host.clock.exact(events_.now()));
        if (status.members.size() != hosts_.size() || !corosync_->counts(node) ||
            corosync_->barred(node) || !status.casting || !status.trusted) {
            return fmt::format("n{} is in {}, of {} members: {}", node + 1, text_of(status.state),
                               status.members.size(), status.reason);
        }
    }
    return {};
}

bool World::all_well() const { return ailing().empty(); }

// All nodes together: everybody votes before long, and goes on voting.
std::string World::progress() {
    const auto within = 2 * scenario_.timing.silence + seconds(50);
    const auto end = events_.now() + within;
    auto well_since = events_.now();
    while (events_.now() < end && oracle_->breach().empty()) {
        events_.run_until(events_.now() + milliseconds(250));
        if (!all_well()) {
            well_since = events_.now();
        } else if (events_.now() - well_since >= kQuietFor) {
            return {};
        }
    }
    return oracle_->breach().empty() ? "no progress: " + ailing() : "";
}

void World::lose(const std::vector<std::size_t>& gone, std::uint64_t way) {
    for (const auto node : gone) {
        if (way == 0) {
            power_off(node);
        } else if (way == 1) {
            feed(node, Channel::kOther, StopVoting{});
        } else {
            for (std::size_t other = 0; other < hosts_.size() - gone.size(); ++other) {
                cut_.insert({other, node});
            }
        }
    }
}

// Some nodes go, in one of three ways; the others, if they are enough with the disk, must have its
// votes within what is promised: after an orderly end or a clean cut in 3 s from Corosync's new
// ring, after a loss of power in silence + 2 s.
std::string World::last_loss() {
    std::vector<std::size_t> gone;
    const auto leave = 1 + random_.below(hosts_.size() - 1);
    for (std::size_t node = hosts_.size(); gone.size() < leave; --node) {
        gone.push_back(node - 1);
    }
    const auto left = hosts_.size() - leave;
    const auto expected = hosts_.size() + scenario_.disk_votes;
    const bool enough = left + scenario_.disk_votes >= expected / 2 + 1 && left >= leave;
    const auto way = random_.below(3);
    constexpr const char* kWays[] = {"power", "stop", "cut"};
    last_act_ = kWays[way];
    for (auto& disk : disks_) {
        disk->leave_nothing_behind();
    }
    trace(0, fmt::format("---- last: {} of {}", kWays[way], leave));
    lose(gone, way);
    const auto lost = events_.now();
    if (way == 1) {
        events_.run_until(events_.now() + seconds(5));
        for (const auto node : gone) {
            power_off(node);
        }
    }
    corosync_->topology_changed();
    auto formed = Time::max();
    const Time limit = scenario_.timing.silence + seconds(8);
    // All nodes from one to another, being a ring of their own, have the votes.
    const auto have = [&](std::size_t from, std::size_t to) {
        for (auto node = from; node < to; ++node) {
            if (!corosync_->counts(node) || corosync_->voted_in(node) != corosync_->ring(node) ||
                corosync_->ring(node).members.size() != to - from) {
                return false;
            }
        }
        return true;
    };
    while (events_.now() < lost + limit + seconds(5) && oracle_->breach().empty()) {
        events_.run_until(events_.now() + milliseconds(50));
        bool rings = true;
        for (std::size_t node = 0; node < hosts_.size(); ++node) {
            const bool stays = node < left;
            rings = rings && (stays ? corosync_->ring(node).members.size() == left
                                    : way != 2 || corosync_->ring(node).members.size() == leave);
        }
        formed = rings ? std::min(formed, events_.now()) : formed;
        const bool votes = have(0, left) || (way == 2 && have(left, hosts_.size()));
        if (votes && rings) {
            took_over_after_ = events_.now() - (way == 0 ? lost : formed);
            break;
        }
    }
    if (!enough || !oracle_->breach().empty()) {
        return {};
    }
    const Time promised = way == 0 ? Time(scenario_.timing.silence + seconds(2)) : Time(seconds(3));
    if (!took_over_after_ || *took_over_after_ > promised + milliseconds(100)) {
        return fmt::format("no progress: after {} of {} of {} the votes took {} ms", kWays[way],
                           leave, hosts_.size(),
                           took_over_after_ ? took_over_after_->count() / 1000 : -1);
    }
    return {};
}

}  // namespace quorate::quorum::simulator
