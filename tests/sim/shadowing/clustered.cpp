#include <algorithm>

#include <fmt/format.h>

#include "world.hpp"

// shadowd on every node of a clustered World: how it joins, what it does for lives that are lost,
// and for the shadowd that was killed before it (docs/protocols/shadow-cluster.md).
namespace quorate::shadowing::simulator {
namespace {

constexpr const char* kGuard = "shadow";
constexpr const char* kHeir = "heir.shadow";
constexpr sim::Time kLookAgain = sim::milliseconds(20);
constexpr sim::Time kWatchEvery = sim::milliseconds(100);

lockmgr::ClientId client_of(Opener opener) {
    return lockmgr::ClientId(static_cast<std::uint32_t>(opener));
}

// Each shadowd has an id of its own, also of one clusterd.
OpenerLost loss_of(cluster::NodeId node, Opener opener) {
    return {OpenerSlot(static_cast<std::uint16_t>(node.value() - 1)),
            {node, cluster::Incarnation(opener)}};
}

}  // namespace

void World::build_stack(std::uint64_t seed) {
    ClusterStack::Shadowd shadowd;
    shadowd.power = [this](std::size_t n, bool on) { power_changed(n, on); };
    shadowd.frozen = [this](std::size_t n, sim::Time until) {
        trace(n, "freezes with its machine");
        nodes_[n].frozen_until = until;
    };
    shadowd.clusterd_ended = [this](std::size_t n) { clusterd_ended(n); };
    shadowd.fence = [this](std::size_t n, const std::string& fencer, MemberId lost) {
        hear_fence(n, fencer, lost);
    };
    shadowd.taken_over = [this](MemberId lost) {
        for (const auto& [opener, life] : lives_) {
            if (life == lost) {
                declare_lost(opener);
            }
        }
    };
    shadowd.hear = [this](std::size_t n, const lockmgr::LockOutput& output) {
        hear_locks(n, output);
    };
    stack_ =
        std::make_unique<ClusterStack>(events_, seed ^ 0xc1, nodes_.size(), std::move(shadowd));
}

void World::soon(std::size_t n, Opener opener, sim::Time after, std::function<void()> action) {
    events_.at(std::max(events_.now() + after, nodes_[n].frozen_until),
               [this, n, opener, action = std::move(action)] {
                   if (nodes_[n].opener != opener) {
                       return;
                   }
                   if (nodes_[n].frozen_until > events_.now()) {
                       soon(n, opener, sim::Time(0), action);
                   } else {
                       action();
                   }
               });
}

// ---- the node

void World::power_changed(std::size_t n, bool on) {
    trace(n, on ? "has power" : "loses power");
    nodes_[n].on = on;
    nodes_[n].frozen_until = sim::Time(0);
    if (!on) {
        kill(n);
    }
    for (DeviceIndex i = 0; i < disks_.size(); ++i) {
        if (disks_[i].host != n) {
            continue;
        }
        if (!on) {
            disk_off(i);
        } else if (!disks_[i].disk->is_on()) {
            disks_[i].disk->power_on();
        }
    }
    if (on) {
        start(n);
    }
}

// Its sockets close.
void World::clusterd_ended(std::size_t n) {
    trace(n, "clusterd ends");
    const auto notices = sim::between(random_, sim::Time(0), sim::milliseconds(3));
    soon(n, nodes_[n].opener, notices, [this, n] { kill(n); });
}

void World::close_client(std::size_t n, Opener opener) {
    stack_->ask(n, [opener] { return lockmgr::LockInput(lockmgr::ClientGone{client_of(opener)}); });
}

// ---- joining

void World::join(std::size_t n, Opener opener) {
    auto& node = nodes_[n];
    const auto life = stack_->life(n);
    node.life = life.value_or(MemberId());
    if (!life || clustered_lease(n).state != Lease::State::kRunning) {
        soon(n, opener, kLookAgain, [this, n, opener] { join(n, opener); });
        return;
    }
    stack_->ask(n, [opener] {
        lockmgr::ClientOpened opened;
        opened.client = client_of(opener);
        opened.pid = static_cast<std::uint32_t>(opener);
        return lockmgr::LockInput(opened);
    });
    LockPort::World world;
    world.ask = [this, n](ClusterStack::Question question) { stack_->ask(n, std::move(question)); };
    world.feed = [this, n, opener](SetInput input) { feed(n, opener, std::move(input)); };
    world.later = [this, n, opener](sim::Time after, std::function<void()> action) {
        soon(n, opener, after, std::move(action));
    };
    node.port = std::make_unique<LockPort>(client_of(opener), kSet, std::move(world));
    watch_lease(n, opener);
    stack_->enlist(n, kGuard);
    stack_->enlist(n, kHeir);
    soon(n, opener, kLookAgain, [this, n, opener] { settle(n, opener); });
}

// Of a loss that an earlier shadowd was told of, this one would never hear.
void World::settle(std::size_t n, Opener opener) {
    const auto& note = notes_[n];
    const bool settled = stack_->settled(n);
    const bool alone =
        settled && (!note || note->life != nodes_[n].life || end_predecessor(n, *note));
    if (!alone) {
        soon(n, opener, kLookAgain, [this, n, opener] { settle(n, opener); });
        return;
    }
    for (const auto earlier : std::set(undeclared_)) {
        if (node_of_.at(earlier) == n) {
            declare_lost(earlier);  // its life was fenced
        }
    }
    notes_[n] = Note{nodes_[n].life, opener};
    lives_[opener] = nodes_[n].life;
    undeclared_.insert(opener);
    open_set(n);
}

// Its locks are kept as orphans until everybody knows.
bool World::end_predecessor(std::size_t n, const Note& note) {
    auto& node = nodes_[n];
    if (node.purged) {
        return true;
    }
    if (node.purging || !drop_predecessor(n, note) || !tell_end(n, note)) {
        return false;
    }
    declare_lost(note.opener);
    node.purging = true;
    stack_->ask(n, [opener = node.opener, id = node.life.node, pid = note.opener] {
        return lockmgr::LockInput(lockmgr::Purge{client_of(opener), lockmgr::RequestId(~0ULL), id,
                                                 static_cast<std::uint32_t>(pid)});
    });
    return false;
}

bool World::drop_predecessor(std::size_t n, const Note& note) {
    for (DeviceIndex i = 0; i < disks_.size(); ++i) {
        const auto host = disks_[i].host;
        const bool asked = host && *host != n && nodes_[*host].on;
        if (asked && (!reachable(n, i) || nodes_[*host].frozen_until > events_.now())) {
            return false;
        }
        disks_[i].disk->fence(note.opener);
    }
    return true;
}

bool World::tell_end(std::size_t n, const Note& note) {
    auto& ending = endings_[note.opener];
    bool all = true;
    for (std::size_t other = 0; other < nodes_.size(); ++other) {
        const auto opener = nodes_[other].opener;
        if (other == n || !nodes_[other].set || !stack_->has_member(n, nodes_[other].life) ||
            ending.heard.contains(opener)) {
            continue;
        }
        all = false;
        if (stack_->reaches(n, other) && ending.told.insert(opener).second) {
            nodes_[other].when_heard.push_back(
                [this, lost = note.opener, opener] { endings_[lost].heard.insert(opener); });
            feed(other, opener, loss_of(note.life.node, note.opener));
        }
    }
    return all;
}

void World::declare_lost(Opener opener) {
    if (undeclared_.erase(opener) != 0) {
        history_.declared_lost(opener);
    }
}

// ---- lease

Lease World::clustered_lease(std::size_t n) const {
    const auto& page = stack_->page(n);
    Lease lease{Lease::State::kStalled, page.epoch.value(), BootTime::max()};
    const auto& node = nodes_[n];
    if (page.incarnation != node.life.incarnation || page.state == cluster::LeaseState::kExpelled) {
        lease.state = Lease::State::kExpelled;
    } else if (page.state == cluster::LeaseState::kRunning && stack_->now(n) < page.deadline) {
        lease.state = Lease::State::kRunning;
    }
    return lease;
}

void World::watch_lease(std::size_t n, Opener opener) {
    const auto state = clustered_lease(n).state;
    if (state == Lease::State::kExpelled) {
        kill(n);
        return;
    }
    if (std::exchange(nodes_[n].lease, state) != state) {
        feed(n, opener, Tick{});
    }
    soon(n, opener, kWatchEvery, [this, n, opener] { watch_lease(n, opener); });
}

// ---- lives that are lost

// Nobody hears it while no shadowd runs: the next one is asked. In the end one without sets goes
// on.
void World::hear_fence(std::size_t n, const std::string& fencer, MemberId lost) {
    if (!nodes_[n].port && !leaving_) {
        return;
    }
    soon(n, nodes_[n].opener, sim::Time(0), [this, n, fencer, lost] {
        if (fencer == kGuard) {
            guard(n, lost);
        } else {
            inherit(n, lost);
        }
    });
}

void World::guard(std::size_t n, MemberId lost) {
    trace(n, fmt::format("fences n{}", lost.node.value() - 1));
    for (auto& served : disks_) {
        for (const auto& [opener, life] : lives_) {
            if (life == lost && served.host.value_or(n) == n) {
                served.disk->fence(opener);
            }
        }
    }
    soon(n, nodes_[n].opener, sim::between(random_, sim::Time(100), sim::milliseconds(200)),
         [this, n, lost] { stack_->confirm(n, kGuard, lost); });
}

void World::inherit(std::size_t n, MemberId lost) {
    const auto other = lost.node.value() - 1;
    auto& gone = nodes_[other];
    if (gone.life == lost && gone.set && !gone.expelled) {
        gone.expelled = true;
        history_.opener_died(gone.opener);
        for (const auto& [request, extent] : gone.requests) {
            history_.forget(request);
        }
    }
    // Those before the last were told of by their successors.
    const auto last = std::ranges::max_element(
        undeclared_, {}, [&](Opener opener) { return lives_.at(opener) == lost ? opener : 0; });
    if (!nodes_[n].set || last == undeclared_.end() || lives_.at(*last) != lost) {
        stack_->confirm(n, kHeir, lost);
        return;
    }
    nodes_[n].when_heard.push_back([this, n, lost] { stack_->confirm(n, kHeir, lost); });
    feed(n, nodes_[n].opener, loss_of(lost.node, *last));
}

// ---- locks

void World::hear_locks(std::size_t n, const lockmgr::LockOutput& output) {
    const auto opener = nodes_[n].opener;
    if (const auto* done = std::get_if<lockmgr::Completion>(&output)) {
        if (done->client == client_of(opener) && done->request == lockmgr::RequestId(~0ULL)) {
            nodes_[n].purged = true;
        } else if (done->client == client_of(opener)) {
            soon(n, opener, sim::Time(0), [this, n, done = *done] { nodes_[n].port->hear(done); });
        }
    } else if (const auto* blocking = std::get_if<lockmgr::BlockingEvent>(&output)) {
        if (blocking->client == client_of(opener)) {
            soon(n, opener, sim::Time(0),
                 [this, n, blocking = *blocking] { nodes_[n].port->hear(blocking); });
        }
    } else if (const auto* revoked = std::get_if<lockmgr::Revoked>(&output)) {
        if (revoked->client == client_of(opener)) {
            soon(n, opener, sim::Time(0), [this, n] { kill(n); });
        }
    }
}

}  // namespace quorate::shadowing::simulator
