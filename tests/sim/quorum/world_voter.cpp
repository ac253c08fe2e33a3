#include <algorithm>

#include <fmt/core.h>

#include "world.hpp"

// Feeding the voters, and doing what they want.
namespace quorate::quorum::simulator {

using sim::between;
using sim::milliseconds;
using sim::seconds;
using sim::Time;

namespace {
constexpr auto kWordTakes = milliseconds(40);
constexpr auto kWordsTake = seconds(3);  // from a new ring to what its members say of it
}  // namespace

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
    disk_of(node, output.disk).read(node, output);
}
void World::on(std::size_t node, const WritePage& output) {
    disk_of(node, output.disk).write(node, output);
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
    // A connection is of two lives.
    const auto heard_by = hosts_[to].life;
    events_.at(arrives, [this, node, to, bytes = output.bytes, life = hosts_[node].life, heard_by] {
        if (connected(node, to) && hosts_[node].life == life && hosts_[to].life == heard_by) {
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

void World::on(std::size_t node, const Binds&) {
    const bool ok = scenario_.scene != Scene::kLateRenewal && !fences_.one_in(20);
    hosts_[node].bound = hosts_[node].bound || ok;
    hosts_[node].unbindable = !ok;
    feed(node, Channel::kOther, Bound{ok});
}

void World::on(std::size_t node, const Publish& output) {
    if (output.votes > 0) {
        oracle_->published(events_.now(), node, hosts_[node].clock.when(output.until));
    }
}

void World::on(std::size_t node, const FenceDone& output) {
    if (node == fence_.by && output.target == fence_.target) {
        fence_.done = output.done;
    }
    trace(node, fmt::format("fence of {}: {}", output.target.value(), output.text));
    const auto target = output.target.value() - 1;
    if (output.done) {
        const auto& host = hosts_[target];
        // What it ran when somebody wanted it gone still runs, whatever its page says; and who is
        // taken for dead does nothing at all.
        const bool works = host.worked && events_.now() - *host.worked > kWordsTake &&
                           output.text.starts_with("silent");
        const bool goes_on = works || wanted_boots_.at({node, target}) == host.boot;
        const bool same_boot = host.on && (goes_on || boots_.at(output.incarnation) == host.boot);
        oracle_->fenced(target, host.incarnation == output.incarnation, same_boot);
    }
}

void World::on(std::size_t node, const Note& output) {
    if (traced_) {
        trace(node, output.event + " " + output.text);
    }
    if (output.event == "evicted") {
        const bool fenced = output.text.starts_with("by node");
        events_.after(between(random_, milliseconds(1500), seconds(fenced ? 3 : 8)),
                      [this, node, fenced, life = hosts_[node].life] {
                          if (hosts_[node].life == life && hosts_[node].voter) {
                              evicted(node, fenced);
                          }
                      });
    }
}

// The machine resets itself, if it may; where a watchdog waits it may also be forbidden. Else its
// voter begins anew.
void World::evicted(std::size_t node, bool fenced) {
    auto& host = hosts_[node];
    const auto status = host.voter->status(host.clock.exact(events_.now()));
    if (fenced && status.state != VoterState::kEvicted) {
        // Not before its page says so.
        events_.after(milliseconds(200), [this, node, life = host.life] {
            if (hosts_[node].life == life && hosts_[node].voter) {
                evicted(node, /*fenced=*/true);
            }
        });
        return;
    }
    if (fenced && scenario_.resets) {
        if (scenario_.timing.mode() == StopMode::kSoft || fences_.one_in(2)) {
            trace(node, "resets itself");
            power_off(node);
            events_.after(between(random_, seconds(2), seconds(20)),
                          [this, node] { power_on(node); });
        }
        return;
    }
    if (!status.bound) {
        ++host.watchdog;
        host.bound = false;
    }
    kill_voter(node);
    start_voter(node);
}

void World::on(std::size_t node, const Stopped&) {
    trace(node, "stopped in order");
    kill_voter(node);
    ++hosts_[node].watchdog;
    hosts_[node].bound = false;
    if (*last_act_ == '\0' && !hosts_[node].stays_down) {
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
