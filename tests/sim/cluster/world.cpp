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
constexpr auto kQuietFor = seconds(6);
constexpr auto kTrafficSettles = seconds(3);
constexpr std::uint32_t kRings = 2;
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

World::World(std::uint64_t seed, Scenario scenario)
    : random_(seed),
      scenario_(std::move(scenario)),
      traced_(sim::number_from_environment("QUORATE_SIM_TRACE", 0) != 0) {
    QuorumDiskModel::Options disk;
    disk.votes = scenario_.disk_votes;
    disk.restless = scenario_.restless_disk;
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
    for (std::size_t node = 0; node < hosts_.size(); ++node) {
        talk_later(node);
    }
    fault_later();
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
    leases_.page_gone(events_.now(), host.id);
    host.on = false;
    corosync_->power_off(node);
}

void World::start_process(std::size_t node) {
    auto& host = hosts_[node];
    if (!host.on || host.frozen || host.machine) {
        return;
    }
    leases_.page_gone(events_.now(), host.id);
    MachineOptions options;
    options.lease = scenario_.lease;
    auto& membership = options.membership;
    membership.self.id = {Corosync::id_of(node), Incarnation(random_.next())};
    membership.self.name = fmt::format("n{}", node + 1);
    membership.self.levels = {1, 1};
    membership.self.addresses.resize(kRings);
    membership.process = host.process = ++next_process_;
    membership.cluster_name = "sim";
    host.id = membership.self.id;
    host.machine = std::make_unique<Machine>(options);
    host.process_frozen = false;
    host.pressed.clear();
    feed(node, Channel::kFloor, FloorLoaded{host.durable});
    if (random_.one_in(2)) {
        leases_.fencer_added(host.id);
        feed(node, Channel::kFencer, AddFencer{"serving"});
    }
    corosync_->join(node, host.process);
    disk_->tell(node);
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
    network_->close_all(node);
    if (!host.frozen) {
        corosync_->leave(node);
    }
}

void World::stop_process(std::size_t node) {
    auto& host = hosts_[node];
    if (host.runs() && carry_out(node, host.machine->stop(host.clock.exact(events_.now())))) {
        kill_process(node);
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
        start_process(node);
        pump(node);
        arm(node);
    });
}

// ---- clusterd

void World::feed(std::size_t node, Channel channel, HostInput input) {
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

void World::step(std::size_t node, const HostInput& input) {
    auto& machine = *hosts_[node].machine;
    const auto now = hosts_[node].clock.exact(events_.now());
    const auto* arrived = std::get_if<Arrived>(&input);
    const bool alive = carry_out(
        node, arrived != nullptr ? machine.step(now, Received{arrived->connection, arrived->bytes})
                                 : machine.step(now, std::get<MachineInput>(input)));
    if (alive) {
        arm(node);
    }
}

// False: it died between two of them.
bool World::carry_out(std::size_t node, const MachineOutputs& outputs) {
    const auto process = hosts_[node].process;
    for (const auto& output : outputs) {
        if (crashes_now(node)) {
            return false;
        }
        std::visit([&](const auto& one) { on(node, one); }, output);
        if (!hosts_[node].machine || hosts_[node].process != process) {
            return false;
        }
    }
    return true;
}

bool World::crashes_now(std::size_t node) {
    if (healed_ || !scenario_.crash_between_effects || !random_.one_in(4000)) {
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
            feed(node, Channel::kTimer, MachineInput(Tick{}));
        }
    });
}

void World::on(std::size_t node, const Multicast& output) {
    corosync_->multicast(node, output.bytes);
}

void World::on(std::size_t node, const WriteFloor& output) {
    auto& host = hosts_[node];
    host.unflushed = output.floor;
    // On the quorum disk it may take longer than the hold lasts, and the daemon stand still
    // meanwhile.
    const bool hangs = output.on_disk && !disk_->is_calm() && random_.one_in(8);
    const auto slow = hangs ? seconds(8) : random_.one_in(50) ? seconds(3) : milliseconds(20);
    if (hangs && random_.one_in(2)) {
        events_.after(Time(100), [this, node] {
            freeze(node, /*machine=*/false, between(random_, seconds(3), seconds(8)));
        });
    }
    events_.after(between(random_, Time(200), slow), [this, node, output, process = host.process] {
        auto& written = hosts_[node];
        if (!written.machine || written.process != process) {
            return;
        }
        written.durable = std::exchange(written.unflushed, std::nullopt);
        if (output.on_disk) {
            disk_->write(node, output.floor);
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
    hosts_[node].pressed.clear();
}

void World::on(std::size_t node, const QuorumLost&) { trace(node, "loses quorum"); }

void World::on(std::size_t node, const TakeoverAllowed& output) {
    trace(node, fmt::format("may take over from n{} in epoch {}", output.lost.node.value(),
                            output.epoch.value()));
    leases_.allowed(events_.now(), hosts_[node].id, output.lost, *hosts_[node].machine->view());
}

// The daemon ends; systemd starts it again.
void World::on(std::size_t node, const Expelled& output) {
    trace(node, "expelled: " + output.reason);
    leases_.told_expelled(hosts_[node].id);
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

// A peer whose process does not run accepts, and says nothing.
void World::on(std::size_t node, const Dial& output) {
    const auto peer = output.peer.node.value() - 1;
    const bool fails = !hosts_[peer].runs() || !network_->connected(output.ring, node, peer);
    const auto delay = fails ? between(random_, milliseconds(1), seconds(2))
                             : between(random_, Time(200), milliseconds(20));
    events_.after(delay, [this, node, peer, output, fails, process = hosts_[node].process] {
        if (hosts_[node].process != process || !hosts_[node].machine) {
            return;
        }
        if (fails || !hosts_[peer].runs()) {
            feed(node, Channel::kNetwork, DialFailed{output.peer, output.ring, "no answer"});
            return;
        }
        const ConnectionId connection(network_->open(output.ring, node, peer));
        feed(peer, Channel::kNetwork, Accepted{connection});
        feed(node, Channel::kNetwork, Dialled{output.peer, output.ring, connection});
    });
}

void World::on(std::size_t node, const Write& output) {
    std::string bytes;
    for (const auto& piece : output.pieces) {
        bytes += piece.view();
    }
    const auto connection = output.connection;
    const bool slow = random_.one_in(200);
    network_->send(connection.value(), node, std::move(bytes));
    events_.after(
        between(random_, Time(20), slow ? milliseconds(700) : milliseconds(1)),
        [this, node, connection, process = hosts_[node].process] {
            if (hosts_[node].process == process && network_->is_open(connection.value(), node)) {
                feed(node, Channel::kNetwork, Written{connection});
            }
        });
}

void World::on(std::size_t node, const Close& output) {
    trace(node, fmt::format("closes {}: {}", output.connection.value(), output.reason));
    if (!output.parting.empty()) {
        network_->send(output.connection.value(), node, output.parting);
    }
    network_->close(output.connection.value(), node);
}

void World::on(std::size_t node, const Deliver& output) {
    traffic_.delivered(output.from, hosts_[node].id, output.epoch,
                       hosts_[node].machine->view()->epoch, output.payload);
}

void World::on(std::size_t node, const BackPressure& output) {
    if (output.on) {
        hosts_[node].pressed.insert(output.to);
    } else {
        hosts_[node].pressed.erase(output.to);
    }
}

void World::on(std::size_t node, const RingChanged& output) {
    trace(node, fmt::format("ring {} to n{} {} {}", output.ring, output.peer.node.value(),
                            output.up ? "up" : "down", output.reason));
}

void World::on(std::size_t node, const PublishLease& output) {
    trace(node, fmt::format("lease {} {} epoch {}", static_cast<int>(output.page.state),
                            text_of(output.page.reason), output.page.epoch.value()));
    leases_.published(events_.now(), hosts_[node].id, output.page, hosts_[node].clock);
}

void World::on(std::size_t node, const Fence& output) {
    events_.after(between(random_, milliseconds(1), seconds(3)),
                  [this, node, output, process = hosts_[node].process] {
                      if (hosts_[node].machine && hosts_[node].process == process) {
                          leases_.fencer_confirmed(hosts_[node].id, output.lost);
                          feed(node, Channel::kFencer, FencerConfirmed{output.name, output.lost});
                      }
                  });
}

void World::trace(std::size_t node, std::string_view what) const {
    if (traced_) {
        fmt::print("{:>12.6f} n{} {}\n", static_cast<double>(events_.now().count()) / 1e6, node + 1,
                   what);
    }
}

// ---- the layers above

void World::talk_later(std::size_t node) {
    events_.after(between(random_, milliseconds(1), milliseconds(400)), [this, node] {
        if (hosts_[node].runs() && !silent_) {
            talk(node);
        }
        talk_later(node);
    });
}

void World::talk(std::size_t node) {
    auto& host = hosts_[node];
    const auto* view = host.machine->view();
    if (view == nullptr || view->members.size() < 2) {
        return;
    }
    const auto to = view->members[random_.below(view->members.size())].id;
    if (to == host.id || host.pressed.contains(to)) {
        return;
    }
    const auto epoch = view->epoch;
    for (auto count = 1 + random_.below(scenario_.chattiness); count > 0; --count) {
        const auto size = random_.one_in(50) ? random_.below(40'000) : random_.below(40);
        const auto text = traffic_.next(host.id, to, epoch) + ' ' + std::string(size, '.');
        const auto outputs = host.machine->send(host.clock.exact(events_.now()), to,
                                                quorate::cluster::Channel(1), text);
        if (!outputs) {
            break;
        }
        traffic_.sent(host.id, to, epoch);
        if (!carry_out(node, *outputs)) {
            return;
        }
    }
    arm(node);
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
    const auto kind = random_.below(11);
    constexpr const char* kNames[] = {"power off", "kill", "freeze machine", "freeze clusterd",
                                      "split",     "cut",  "heal",           "hang quorumd",
                                      "filter",    "stop", "break"};
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
            cut_some(/*corosync_too=*/true);
            break;
        case 6:
            heal_links();
            break;
        case 7:
            disk_->freeze(node, random_.one_in(2));
            break;
        case 8:
            cut_some(/*corosync_too=*/false);
            break;
        case 9:
            stop_process(node);
            events_.after(pause, [this, node] { start_process(node); });
            break;
        default:
            network_->break_some(node);
            break;
    }
}

// On both rings, or on the first alone.
void World::split() {
    std::vector<bool> left(hosts_.size());
    for (std::size_t node = 0; node < hosts_.size(); ++node) {
        left[node] = random_.one_in(2);
    }
    const auto rings = random_.one_in(4) ? 1 : kRings;
    for (std::size_t a = 0; a < hosts_.size(); ++a) {
        for (std::size_t b = a + 1; b < hosts_.size(); ++b) {
            for (std::uint32_t ring = 0; ring < rings && left[a] != left[b]; ++ring) {
                cut(ring, a, b, /*corosync_too=*/true);
            }
        }
    }
    corosync_->topology_changed();
}

void World::cut(std::uint32_t ring, std::size_t a, std::size_t b, bool corosync_too) {
    network_->cut(ring, a, b);
    if (corosync_too) {
        cut_.insert({ring, std::min(a, b), std::max(a, b)});
    }
}

// Between two machines: one ring or both.
void World::cut_some(bool corosync_too) {
    const auto a = random_.below(hosts_.size());
    const auto b = random_.below(hosts_.size());
    if (a == b) {
        return;
    }
    const auto which = random_.below(3);
    for (std::uint32_t ring = 0; ring < kRings; ++ring) {
        if (which == 2 || which == ring) {
            cut(ring, a, b, corosync_too);
        }
    }
    corosync_->topology_changed();
}

void World::heal_links() {
    cut_.clear();
    network_->heal_all();
    corosync_->topology_changed();
}

// Corosync uses whichever ring there is.
bool World::connected(std::size_t a, std::size_t b) const {
    for (std::uint32_t ring = 0; ring < kRings; ++ring) {
        if (a == b || !cut_.contains({ring, std::min(a, b), std::max(a, b)})) {
            return true;
        }
    }
    return false;
}

void World::heal_everything() {
    healed_ = true;
    trace(0, "---- everything heals");
    disk_->calm();
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
    for (const auto& from : hosts_) {
        for (const auto& to : hosts_) {
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
    for (std::size_t node = 0; node < hosts_.size(); ++node) {
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
    if (status.view->members.size() != hosts_.size()) {
        return fmt::format("sees {} of {} members", status.view->members.size(), hosts_.size());
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
