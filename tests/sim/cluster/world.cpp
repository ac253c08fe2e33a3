#include "world.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "sim/seeds.hpp"

namespace quorate::cluster::simulator {

using sim::between;
using sim::milliseconds;
using sim::seconds;
using sim::Time;

namespace {
constexpr auto kProgressWithin = seconds(60);
constexpr auto kQuietFor = seconds(10);
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
    }
    scenario.pause_max = random.one_in(3) ? seconds(1) : seconds(4);
    return scenario;
}

World::World(std::uint64_t seed, Scenario scenario)
    : random_(seed),
      scenario_(std::move(scenario)),
      traced_(sim::number_from_environment("QUORATE_SIM_TRACE", 0) != 0) {
    QuorumDiskModel::Options disk;
    disk.votes = scenario_.disk_votes;
    for (std::size_t node = 0; node < scenario_.nodes; ++node) {
        const auto offset = between(random_, seconds(1), seconds(1000));
        const auto ppm = static_cast<std::int64_t>(random_.below(2001)) - 1000;
        hosts_.emplace_back(sim::NodeClock(offset, ppm));
        disk.clocks.push_back(hosts_.back().clock);
    }
    Corosync::Options options;
    options.votes = scenario_.votes;
    options.disk_votes = scenario_.disk_votes;
    options.connected = [this](std::size_t a, std::size_t b) { return connected(a, b); };
    Corosync::Sink sink;
    sink.cpg = [this](std::size_t node, Corosync::CpgEvent event) {
        std::visit([&](auto& one) { feed(node, Channel::kGroup, std::move(one)); }, event);
    };
    sink.quorum = [this](std::size_t node, const QuorumChanged& change) {
        feed(node, Channel::kQuorum, change);
    };
    corosync_ = std::make_unique<Corosync>(events_, random_, options, sink);
    disk_ = std::make_unique<QuorumDiskModel>(
        events_, random_, *corosync_, disk, [this](std::size_t node, const QuorumDisk& published) {
            feed(node, Channel::kDisk, published);
        });
}

World::~World() = default;

std::string World::run() {
    for (std::size_t node = 0; node < hosts_.size(); ++node) {
        events_.after(between(random_, Time(0), seconds(2)), [this, node] { power_on(node); });
    }
    fault_later();
    events_.run_until(scenario_.faulty);
    heal_everything();
    std::string missing = "it never came to rest";
    const auto end = events_.now() + kProgressWithin;
    auto rest = events_.now() + kQuietFor;
    Epoch epoch;
    while (events_.now() < std::min(end, rest) && oracle_.breach().empty()) {
        events_.run_until(events_.now() + milliseconds(500));
        missing = progress_missing();
        const auto now = missing.empty() ? hosts_.front().machine->view()->epoch : Epoch(0);
        if (now == Epoch(0) || std::exchange(epoch, now) != now) {
            rest = events_.now() + kQuietFor;
        }
    }
    if (!oracle_.breach().empty()) {
        return oracle_.breach();
    }
    return events_.now() < rest ? "no progress: " + missing : "";
}

// ---- machines and processes

void World::power_on(std::size_t node) {
    auto& host = hosts_[node];
    if (host.on) {
        return;
    }
    host.on = true;
    host.frozen = false;
    disk_->freeze(node, false);
    corosync_->power_on(node);
    start_process(node);
}

void World::power_off(std::size_t node) {
    auto& host = hosts_[node];
    if (!host.on) {
        return;
    }
    kill_process(node);
    host.on = false;
    corosync_->power_off(node);
}

void World::start_process(std::size_t node) {
    auto& host = hosts_[node];
    if (!host.on || host.machine) {
        return;
    }
    MembershipOptions options;
    options.self.id = {Corosync::id_of(node), Incarnation(random_.next())};
    options.self.name = fmt::format("n{}", node + 1);
    options.self.levels = {1, 1};
    options.process = host.process = ++next_process_;
    options.cluster_name = "sim";
    host.id = options.self.id;
    host.machine = std::make_unique<Membership>(options);
    host.process_frozen = false;
    host.expelled = false;
    corosync_->join(node, host.process);
    disk_->tell(node);
    feed(node, Channel::kFloor, FloorLoaded{host.durable});
}

void World::kill_process(std::size_t node) {
    auto& host = hosts_[node];
    if (!host.machine) {
        return;
    }
    if (host.unflushed && random_.one_in(2)) {
        host.durable = host.unflushed;
    }
    host.unflushed.reset();
    host.machine.reset();
    host.armed.reset();
    for (auto& channel : host.channels) {
        channel.clear();
    }
    if (!host.frozen) {
        corosync_->leave(node);
    }
}

void World::freeze(std::size_t node, bool machine, Time duration) {
    auto& host = hosts_[node];
    if (!host.on || host.frozen || host.process_frozen) {
        return;
    }
    (machine ? host.frozen : host.process_frozen) = true;
    if (machine) {
        corosync_->freeze(node);
    }
    disk_->freeze(node, true);
    events_.after(duration, [this, node, machine] {
        auto& thawed = hosts_[node];
        if (!thawed.on || !(machine ? thawed.frozen : thawed.process_frozen)) {
            return;
        }
        (machine ? thawed.frozen : thawed.process_frozen) = false;
        if (machine) {
            corosync_->thaw(node);
        }
        disk_->freeze(node, false);
        pump(node);
        arm(node);
    });
}

// ---- clusterd

void World::feed(std::size_t node, Channel channel, MembershipInput input) {
    auto& host = hosts_[node];
    if (host.machine) {
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
    while (host.runs()) {
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

void World::step(std::size_t node, const MembershipInput& input) {
    auto& host = hosts_[node];
    for (const auto& output : host.machine->step(host.clock.at(events_.now()), input)) {
        if (crashes_now(node)) {
            return;
        }
        carry_out(node, output);
        if (!host.machine) {
            return;
        }
    }
    arm(node);
}

bool World::crashes_now(std::size_t node) {
    if (healed_ || !scenario_.crash_between_effects || !random_.one_in(400)) {
        return false;
    }
    const auto pause = between(random_, milliseconds(50), seconds(3));
    if (random_.one_in(2)) {
        power_off(node);
        events_.after(pause, [this, node] { power_on(node); });
    } else {
        kill_process(node);
        events_.after(pause, [this, node] { start_process(node); });
    }
    return true;
}

void World::arm(std::size_t node) {
    auto& host = hosts_[node];
    if (!host.runs()) {
        return;
    }
    const auto deadline = host.machine->deadline();
    if (!deadline) {
        return;
    }
    const auto when = std::max(host.clock.when(*deadline), events_.now());
    if (host.armed && *host.armed <= when) {
        return;
    }
    host.armed = when;
    events_.at(when, [this, node, when, process = host.process] {
        auto& due = hosts_[node];
        if (due.process != process || due.armed != when) {
            return;
        }
        due.armed.reset();
        if (due.runs()) {
            feed(node, Channel::kTimer, Tick{});
        }
    });
}

void World::carry_out(std::size_t node, const MembershipOutput& output) {
    std::visit([&](const auto& one) { on(node, one); }, output);
}

void World::on(std::size_t node, const Multicast& output) {
    corosync_->multicast(node, output.bytes);
}

void World::on(std::size_t node, const WriteFloor& output) {
    auto& host = hosts_[node];
    host.unflushed = output.floor;
    const auto slow = random_.one_in(50) ? seconds(3) : milliseconds(20);
    events_.after(between(random_, Time(200), slow), [this, node, output, process = host.process] {
        auto& written = hosts_[node];
        if (!written.machine || written.process != process) {
            return;
        }
        written.durable = std::exchange(written.unflushed, std::nullopt);
        if (output.on_disk) {
            disk_->write(output.floor);
        }
        feed(node, Channel::kFloor, FloorWritten{output.floor.epoch, output.on_disk});
    });
}

void World::on(std::size_t node, const ReadDisk& output) { disk_->read(node, output.number); }

void World::on(std::size_t node, const ViewCommitted& output) {
    trace(node, fmt::format("commits epoch {}, {} members, quorate {}, {} lost",
                            output.view.epoch.value(), output.view.members.size(),
                            output.view.quorate, output.view.lost.size()));
    oracle_.committed(hosts_[node].id, output.view);
}

void World::on(std::size_t node, const QuorumLost&) { trace(node, "loses quorum"); }

// The daemon ends; systemd starts it again.
void World::on(std::size_t node, const Expelled& output) {
    trace(node, "expelled: " + output.reason);
    hosts_[node].expelled = true;
    kill_process(node);
    events_.after(between(random_, milliseconds(100), seconds(2)),
                  [this, node] { start_process(node); });
}

void World::on(std::size_t node, const Refusal& output) {
    trace(node, fmt::format("refuses {}: {}", output.name, output.text));
}
void World::on(std::size_t node, const LevelRefused& output) { trace(node, output.text); }
void World::on(std::size_t node, const Note& output) {
    trace(node, fmt::format("{} {}", output.event, output.text));
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
            fault();
            fault_later();
        }
    });
}

void World::fault() {
    const auto node = random_.below(hosts_.size());
    const auto pause = between(random_, milliseconds(50), seconds(6));
    const auto kind = random_.below(8);
    constexpr const char* kNames[] = {"power off", "kill", "freeze machine", "freeze clusterd",
                                      "split",     "cut",  "heal",           "hang quorumd"};
    trace(node, fmt::format("---- {}", kNames[kind]));
    switch (kind) {
        case 0:
            power_off(node);
            events_.after(pause, [this, node] { power_on(node); });
            break;
        case 1:
            kill_process(node);
            events_.after(pause, [this, node] { start_process(node); });
            break;
        case 2:
            freeze(node, /*machine=*/true, between(random_, milliseconds(10), seconds(12)));
            break;
        case 3:
            freeze(node, /*machine=*/false, between(random_, milliseconds(10), seconds(12)));
            break;
        case 4:
            split();
            break;
        case 5:
            cut_some();
            break;
        case 6:
            heal_links();
            break;
        default:
            disk_->freeze(node, random_.one_in(2));
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
                cut_.emplace(a, b);
            }
        }
    }
    corosync_->topology_changed();
}

void World::cut_some() {
    const auto a = random_.below(hosts_.size());
    const auto b = random_.below(hosts_.size());
    if (a != b) {
        cut_.emplace(std::min(a, b), std::max(a, b));
        corosync_->topology_changed();
    }
}

void World::heal_links() {
    cut_.clear();
    corosync_->topology_changed();
}

bool World::connected(std::size_t a, std::size_t b) const {
    return a == b || !cut_.contains({std::min(a, b), std::max(a, b)});
}

void World::heal_everything() {
    healed_ = true;
    trace(0, "---- everything heals");
    heal_links();
    for (std::size_t node = 0; node < hosts_.size(); ++node) {
        auto& host = hosts_[node];
        if (std::exchange(host.frozen, false)) {
            corosync_->thaw(node);
        }
        host.process_frozen = false;
        disk_->freeze(node, false);
        power_on(node);
        start_process(node);
        pump(node);
        arm(node);
    }
}

std::string World::progress_missing() const {
    for (std::size_t node = 0; node < hosts_.size(); ++node) {
        const auto* machine = hosts_[node].machine.get();
        if (machine == nullptr || machine->view() == nullptr) {
            return fmt::format("n{} has no view", node + 1);
        }
        if (machine->view()->members.size() != hosts_.size()) {
            return fmt::format("n{} sees {} of {} members", node + 1,
                               machine->view()->members.size(), hosts_.size());
        }
        if (!machine->quorate()) {
            return fmt::format("n{} is not quorate", node + 1);
        }
        if (machine->view()->epoch != hosts_.front().machine->view()->epoch) {
            return fmt::format("n{} is in another epoch", node + 1);
        }
    }
    return {};
}

}  // namespace quorate::cluster::simulator
