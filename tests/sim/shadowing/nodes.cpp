#include <algorithm>

#include <fmt/format.h>

#include "world.hpp"

// The nodes of a World: processes, leases, takeover, and the way to the lock manager.
namespace quorate::shadowing::simulator {

namespace {

constexpr sim::Time kLease = sim::milliseconds(600);
constexpr sim::Time kHeartbeat = sim::milliseconds(100);

bool needs_lease(const SetOutput& output) {
    const auto* reply = std::get_if<Reply>(&output);
    const bool says_nothing = reply != nullptr && reply->status == ReplyStatus::kUnavailable;
    return !says_nothing && !std::holds_alternative<Lock>(output) &&
           !std::holds_alternative<DropData>(output) &&
           !std::holds_alternative<CloseDevice>(output) &&
           !std::holds_alternative<Dismounted>(output) &&
           !std::holds_alternative<Resized>(output) &&
           !std::holds_alternative<MountRefused>(output) &&
           !std::holds_alternative<SetNote>(output);
}

}  // namespace

void World::start(std::size_t n) {
    auto& node = nodes_[n];
    if (!node.on || node.opener != 0) {
        return;
    }
    const auto frozen = is_clustered() ? node.frozen_until : sim::Time(0);  // with its machine
    node = Node();
    node.frozen_until = frozen;
    node.opener = next_opener_++;
    node_of_[node.opener] = n;
    if (is_clustered()) {
        join(n, node.opener);
    } else {
        open_set(n);
    }
}

void World::open_set(std::size_t n) {
    auto& node = nodes_[n];
    SetOptions options;
    options.set = kSet;
    for (std::size_t i = 0; i < disks_.size(); ++i) {
        const bool near = disks_[i].host == n;
        const auto site = disks_[i].host ? 1 + *disks_[i].host % 2 : 0;
        options.devices.push_back(
            {fmt::format("d{}", i), near ? 1u : 10u, static_cast<std::uint32_t>(site)});
    }
    options.site = static_cast<std::uint32_t>(n % 3);
    options.slot = OpenerSlot(static_cast<std::uint16_t>(n));
    options.opener = {cluster::NodeId(static_cast<std::uint32_t>(n + 1)),
                      cluster::Incarnation(node.opener)};
    options.seed = random_.next();
    options.member_timeout = sim::milliseconds(700);
    options.hedge_after = random_.one_in(3) ? sim::seconds(5) : sim::milliseconds(20);
    options.retry_after = sim::milliseconds(50);
    options.clear_after = sim::milliseconds(100 + static_cast<std::int64_t>(random_.below(400)));
    options.publish_after = sim::milliseconds(50 + static_cast<std::int64_t>(random_.below(500)));
    options.hot_max = scenario_.hot_max;
    options.chunk_blocks = 1 + random_.below(6);
    options.jobs_max = 1 + random_.below(4);
    for (auto& pace : options.paces) {
        const auto most = scenario_.mood == Scenario::Mood::kDark ? 20u : 100u;
        pace.share = static_cast<std::uint32_t>(5 + random_.below(most - 4));
    }
    options.scrub_every = sim::milliseconds(5 + static_cast<std::int64_t>(random_.below(100)));
    node.set = std::make_unique<Set>(std::move(options));
    node.lease_until = events_.now() + kLease;
    trace(n, fmt::format("starts as {}", node.opener));
    feed(n, node.opener, Start{});
    const auto opener = node.opener;
    events_.after(sim::milliseconds(10), [this, n, opener] {
        if (nodes_[n].opener == opener) {
            work(n);
        }
    });
}

// The process ends; others learn of it when everything it asked for is out of the way.
void World::kill(std::size_t n) {
    auto& node = nodes_[n];
    if (node.opener == 0) {
        return;
    }
    trace(n, "dies");
    const auto opener = node.opener;
    for (const auto& [request, extent] : node.requests) {
        history_.forget(request);
    }
    history_.opener_died(opener);
    const bool taken_over = node.expelled;
    const bool on = node.on;
    const bool cut = node.cut;
    const auto frozen = is_clustered() ? node.frozen_until : sim::Time(0);  // with its machine
    node = Node();
    node.on = on;
    node.cut = cut;
    node.frozen_until = frozen;
    if (is_clustered()) {
        close_client(n, opener);
    } else if (!taken_over) {
        const auto after = sim::between(random_, sim::milliseconds(20), sim::milliseconds(900));
        events_.after(after, [this, opener, n] { take_over(opener, n); });
    }
    events_.after(sim::between(random_, sim::milliseconds(50), sim::seconds(2)),
                  [this, n] { start(n); });
}

void World::take_over(Opener opener, std::size_t n) {
    trace(n, fmt::format("{} is taken over", opener));
    ++epoch_;
    for (auto& served : disks_) {
        served.disk->fence(opener);
    }
    take_overs_[opener].node = n;
    go_on_with_take_over(opener);
}

void World::go_on_with_take_over(Opener lost) {
    auto& one = take_overs_.at(lost);
    const OpenerSlot slot(static_cast<std::uint16_t>(one.node));
    const cluster::MemberId id{cluster::NodeId(static_cast<std::uint32_t>(one.node + 1)),
                               cluster::Incarnation(lost)};
    bool all = true;
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
        const auto opener = nodes_[n].opener;
        if (n == one.node || !nodes_[n].set || nodes_[n].expelled) {
            continue;
        }
        if (one.told.insert(opener).second) {
            feed(n, opener, OpenerLost{slot, id});
        }
        all &= one.heard.contains(opener);
    }
    if (all) {
        take_overs_.erase(lost);
        history_.declared_lost(lost);
        locks_.died(lost);
    } else {
        events_.after(sim::milliseconds(1), [this, lost] { go_on_with_take_over(lost); });
    }
}

void World::power_off_node(std::size_t n) {
    if (is_clustered()) {
        stack_->machines().power_off(n);
        return;
    }
    nodes_[n].on = false;
    kill(n);
    for (DeviceIndex i = 0; i < disks_.size(); ++i) {
        if (disks_[i].host == n) {
            disk_off(i);
        }
    }
}

void World::power_on_node(std::size_t n) {
    if (is_clustered()) {
        stack_->machines().power_on(n);
        return;
    }
    nodes_[n].on = true;
    for (auto& served : disks_) {
        if (served.host == n && !served.disk->is_on()) {
            served.disk->power_on();
        }
    }
    start(n);
}

void World::renew_leases() {
    if (is_clustered()) {
        return;
    }
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
        auto& node = nodes_[n];
        if (!node.set) {
            continue;
        }
        const bool frozen = node.frozen_until > events_.now();
        if (node.expelled && !frozen && !node.cut) {
            kill(n);
            continue;
        }
        if (!node.expelled && !frozen && !node.cut) {
            node.lease_until = events_.now() + kLease;
            feed(n, node.opener, Tick{});
        } else if (!node.expelled && events_.now() > node.lease_until + sim::milliseconds(50)) {
            // The others went on without it.
            node.expelled = true;
            history_.opener_died(node.opener);
            for (const auto& [request, extent] : node.requests) {
                history_.forget(request);
            }
            take_over(node.opener, n);
        }
    }
    events_.after(kHeartbeat, [this] { renew_leases(); });
}

Moment World::moment(std::size_t n) const {
    const auto& node = nodes_[n];
    if (is_clustered()) {
        return {stack_->now(n), clustered_lease(n)};
    }
    // The page of an expelled node is not updated before it hears of that.
    Lease lease{Lease::State::kRunning, epoch_, BootTime(node.lease_until)};
    return {BootTime(events_.now()), lease};
}

bool World::lease_runs(std::size_t n) const {
    const auto at = moment(n);
    return at.lease.state == Lease::State::kRunning && at.now < at.lease.deadline;
}

void World::feed(std::size_t n, Opener opener, SetInput input) {
    auto& node = nodes_[n];
    if (node.opener != opener || !node.set) {
        return;
    }
    node.inbox.push_back(std::move(input));
    if (!node.pumping) {
        node.pumping = true;
        events_.at(std::max(events_.now(), node.frozen_until), [this, n, opener] {
            if (nodes_[n].opener == opener) {
                pump(n);
            }
        });
    }
}

void World::pump(std::size_t n) {
    auto& node = nodes_[n];
    const auto opener = node.opener;
    if (node.frozen_until > events_.now()) {
        events_.at(node.frozen_until, [this, n, opener] {
            if (nodes_[n].opener == opener) {
                pump(n);
            }
        });
        return;
    }
    while (!node.inbox.empty()) {
        auto input = std::move(node.inbox.front());
        node.inbox.pop_front();
        auto outputs = node.set->step(moment(n), input);
        const auto* lost = std::get_if<OpenerLost>(&input);
        if (lost != nullptr && is_clustered()) {
            const auto heard = std::move(node.when_heard.front());
            node.when_heard.pop_front();
            heard();
            if (node.opener != opener) {
                return;  // the machine lost its power over it
            }
        } else if (lost != nullptr) {
            const auto it = take_overs_.find(lost->opener.incarnation.value());
            if (it != take_overs_.end()) {
                it->second.heard.insert(opener);
            }
        }
        if (!carry_out(n, std::move(outputs), 0, false)) {
            return;
        }
    }
    node.pumping = false;
    arm(n);
}

// False: it died or froze on the way.
bool World::carry_out(std::size_t n, SetOutputs outputs, std::size_t from, bool late) {
    const auto opener = nodes_[n].opener;
    for (auto i = from; i < outputs.size(); ++i) {
        if (!healed_ && random_.one_in(20'000)) {
            kill(n);
            return false;
        }
        if (!healed_ && random_.one_in(20'000)) {
            const auto thaw = events_.now() + sim::between(random_, sim::Time(0), sim::seconds(2));
            trace(n, "freezes between two effects");
            nodes_[n].frozen_until = thaw;
            events_.at(thaw, [this, n, opener, outputs, i] {
                if (nodes_[n].opener == opener && carry_out(n, outputs, i, true)) {
                    pump(n);
                }
            });
            return false;
        }
        if (!late && needs_lease(outputs[i]) && !lease_runs(n)) {
            breach(fmt::format("node {} acts without a lease (output {})", n, outputs[i].index()));
        }
        std::visit([&](const auto& output) { perform(n, output); }, outputs[i]);
    }
    return true;
}

void World::arm(std::size_t n) {
    auto& node = nodes_[n];
    const auto deadline = node.set->deadline();
    if (!deadline) {
        return;
    }
    const auto due =
        is_clustered() ? stack_->when(n, *deadline) : sim::Time(deadline->time_since_epoch());
    const auto at = std::max(events_.now() + sim::Time(1), due);
    if (node.armed > events_.now() && node.armed <= at) {
        return;
    }
    node.armed = at;
    const auto opener = node.opener;
    events_.at(at, [this, n, opener, at] {
        if (nodes_[n].opener == opener && nodes_[n].armed == at) {
            nodes_[n].armed = sim::Time(-1);
            feed(n, opener, Tick{});
        }
    });
}

// ---- locks

void World::mail(std::size_t n, const LockName& lock, std::function<void()> action) {
    auto& one = nodes_[n].mail[lock];
    one.waiting.push_back(std::move(action));
    one.ready = std::max(one.ready, events_.now() + delay());
    const auto opener = nodes_[n].opener;
    events_.at(one.ready, [this, n, opener, lock] {
        if (nodes_[n].opener == opener) {
            deliver_mail(n, lock);
        }
    });
}

void World::deliver_mail(std::size_t n, const LockName& lock) {
    auto& node = nodes_[n];
    auto& one = node.mail[lock];
    if (one.waiting.empty() || node.expelled) {
        return;
    }
    if (node.cut) {
        const auto opener = node.opener;
        events_.after(sim::milliseconds(10), [this, n, opener, lock] {
            if (nodes_[n].opener == opener) {
                deliver_mail(n, lock);
            }
        });
        return;
    }
    const auto action = std::move(one.waiting.front());
    one.waiting.pop_front();
    action();
}

void World::tell(Opener opener, const LockName& lock, SetInput input) {
    const auto n = node_of_.at(opener);
    if (const auto* one = std::get_if<Locked>(&input)) {
        trace(n, fmt::format("has lock {}/{:x} {}", static_cast<int>(one->lock.kind),
                             one->lock.number, static_cast<int>(one->hold)));
    }
    if (nodes_[n].opener == opener && nodes_[n].set) {
        mail(n, lock, [this, n, opener, input = std::move(input)] { feed(n, opener, input); });
    }
}

void World::perform(std::size_t n, const Lock& output) {
    const auto opener = nodes_[n].opener;
    trace(n, fmt::format("asks for lock {}/{:x} {}", static_cast<int>(output.lock.kind),
                         output.lock.number, static_cast<int>(output.hold)));
    if (is_clustered()) {
        nodes_[n].port->ask(output);
        return;
    }
    mail(n, output.lock, [this, opener, output] { locks_.request(opener, output); });
}

}  // namespace quorate::shadowing::simulator
