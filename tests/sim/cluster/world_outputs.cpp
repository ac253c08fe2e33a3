#include <algorithm>

#include <fmt/core.h>

#include "world.hpp"

namespace quorate::cluster::simulator {

using sim::between;
using sim::milliseconds;
using sim::seconds;
using sim::Time;

void World::on(std::size_t node, const Multicast& output) {
    corosync_->multicast(node, output.bytes);
}

void World::on(std::size_t node, const WriteFloor& output) {
    auto& host = hosts_[node];
    host.unflushed = output.floor;
    // It may take longer than the hold on the quorum disk lasts, and than the others wait for a
    // vouch, and the daemon stand still meanwhile.
    const bool may_hang = mischief_.slow_flushes || output.on_disk;
    const bool hangs = may_hang && !disk_->is_calm() && random_.one_in(8);
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
    if (!is_stranger(node)) {
        oracle_.committed(hosts_[node].id, output.view);
    }
    hosts_[node].pressed.clear();
    tell_above(node, output);
}

void World::on(std::size_t node, const QuorumLost& output) {
    trace(node, "loses quorum");
    tell_above(node, output);
}

void World::on(std::size_t node, const TakeoverAllowed& output) {
    trace(node, fmt::format("may take over from n{} in epoch {}", output.lost.node.value(),
                            output.epoch.value()));
    leases_.allowed(events_.now(), hosts_[node].id, output.lost, *hosts_[node].machine->view());
    tell_above(node, output);
}

// The daemon ends; systemd starts it again.
void World::on(std::size_t node, const Expelled& output) {
    trace(node, "expelled: " + output.reason);
    leases_.told_expelled(hosts_[node].id);
    tell_above(node, output);
    kill_process(node);
    events_.after(between(random_, milliseconds(100), seconds(2)),
                  [this, node] { start_process(node); });
}

void World::on(std::size_t node, const Refusal& output) {
    trace(node, fmt::format("refuses {}: {}", output.name, output.text));
    const auto self = hosts_[node].id;
    if (!is_stranger(node) && output.node == self.node && mischief_.stranger_votes > 0 &&
        output.cause == Refusal::Cause::kClusterName) {
        oracle_.outvoted(self);
    }
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

void World::tell_above(std::size_t node, const Event& event) {
    if (above_ != nullptr) {
        above_->event(node, event);
    }
}

void World::on(std::size_t node, const Deliver& output) {
    if (above_ != nullptr) {
        above_->message(node, output);
        return;
    }
    traffic_.delivered(output.from, hosts_[node].id, output.epoch,
                       hosts_[node].machine->view()->epoch, output.payload);
}

void World::on(std::size_t node, const BackPressure& output) {
    if (output.on) {
        hosts_[node].pressed.insert(output.to);
    } else {
        hosts_[node].pressed.erase(output.to);
    }
    if (above_ != nullptr) {
        above_->pressed(node, output);
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
    if (above_ != nullptr) {
        above_->lease(node, output.page);
    }
}

void World::on(std::size_t node, const Fence& output) {
    const auto& host = hosts_[node];
    if (is_heir(output.name)) {
        leases_.heir_asked(events_.now(), host.id, output.lost, *host.machine->view());
    }
    if (above_ != nullptr) {
        above_->fence(node, output);
        return;
    }
    events_.after(between(random_, milliseconds(1), seconds(3)),
                  [this, node, output, process = hosts_[node].process] {
                      if (hosts_[node].process == process) {
                          confirm(node, output.name, output.lost);
                      }
                  });
}

// ---- the layers above

bool World::send(std::size_t node, MemberId to, quorate::cluster::Channel channel,
                 std::string_view payload) {
    auto& host = hosts_[node];
    if (!host.machine) {
        return false;
    }
    const auto outputs = host.machine->send(host.clock.exact(events_.now()), to, channel, payload);
    if (outputs && carry_out(node, *outputs)) {
        arm(node);
    }
    return outputs.has_value();
}

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

}  // namespace quorate::cluster::simulator
