#include <algorithm>

#include "world.hpp"

// Courses of events that faults which come as they like hardly ever take: each leaves one rule
// alone. When each act comes is drawn, and all else (disks, delays, clocks) is as everywhere.
namespace quorate::quorum::simulator {

using sim::between;
using sim::milliseconds;
using sim::seconds;
using sim::Time;

namespace {
constexpr auto kLookAgain = milliseconds(10);
}  // namespace

Scenario Scenario::staged(Random& scenes) const {
    auto with = *this;
    if (twins || !scenes.one_in(8)) {
        return with;
    }
    constexpr Scene kScenes[] = {Scene::kLateMate, Scene::kLateRenewal, Scene::kLastWards,
                                 Scene::kWardMovesOn, Scene::kQuietRing};
    with.scene = kScenes[scenes.below(std::size(kScenes))];
    with.nodes = 3;
    with.disk_votes = 2;
    const auto guard = timing.guard;
    if (with.scene != Scene::kLastWards) {
        with.timing = Timing::for_watchdog();
        with.timing.guard = guard;
    }
    switch (with.scene) {
        case Scene::kLateMate:  // nobody resets a machine whose voter is gone
            with.timing = Timing::for_soft_mode();
            with.timing.guard = guard;
            with.timing.vote_timeout = milliseconds(8000);
            break;
        case Scene::kWardMovesOn:
            with.timing.watchdog = with.timing.vote_timeout = milliseconds(8000);
            break;
        case Scene::kLateRenewal:
            with.nodes = 2;
            with.disk_votes = 1;
            with.timing.lease = milliseconds(8000);
            with.timing.watchdog = milliseconds(3000);
            break;
        case Scene::kQuietRing:
            with.nodes = 4;
            with.disk_votes = 1;
            break;
        case Scene::kNone:
        case Scene::kLastWards:
            break;
    }
    with.tighten();
    return with;
}

// ---- the stage

void World::set_scene() {
    calm_until_ = scenario_.faulty;
    switch (scenario_.scene) {
        case Scene::kNone:
            return;
        case Scene::kLateMate:
            late_mate();
            break;
        case Scene::kLateRenewal:
            late_renewal();
            break;
        case Scene::kLastWards:
            last_wards();
            break;
        case Scene::kWardMovesOn:
            ward_moves_on();
            break;
        case Scene::kQuietRing:
            quiet_ring();
            break;
    }
    for (std::size_t node = 0; node < hosts_.size(); ++node) {
        events_.after(within(Time(0), milliseconds(300)), [this, node] { power_on(node); });
    }
    play();
}

void World::act(std::function<bool()> when, Time pause, std::function<void()> what) {
    acts_.push_back({std::move(when), pause, std::move(what)});
}

void World::play() {
    if (healed_ || acts_.empty()) {
        return;
    }
    if (!acts_.front().when()) {
        events_.after(kLookAgain, [this] { play(); });
        return;
    }
    events_.after(acts_.front().pause, [this] {
        if (!healed_) {
            const auto what = std::move(acts_.front().what);
            acts_.pop_front();
            what();
            play();
        }
    });
}

Time World::within(Time from, Time to) { return between(scenes_, from, to); }

VoterStatus World::status_of(std::size_t node) const {
    const auto& host = hosts_[node];
    return host.voter ? host.voter->status(host.clock.exact(events_.now())) : VoterStatus();
}

// And votequorum knows it.
bool World::casts(std::size_t node) const {
    return corosync_->counts(node) && status_of(node).casting;
}

bool World::casts_among(std::size_t node, std::size_t members) const {
    return casts(node) && corosync_->ring(node).members.size() == members &&
           corosync_->voted_in(node) == corosync_->ring(node);
}

bool World::in_state(std::size_t node, VoterState state) const {
    return hosts_[node].voter && status_of(node).state == state;
}

// ---- C1, C2

// Node 1 and its mate 2 against node 3: both sides begin at one moment, and see late what the other
// does. Node 1 finds all others closed, votes and leaves, in order or not; node 3 takes over and
// stops right after its vote; and only then the mate can read the disk, on which node 1's epoch and
// its word that all are closed still stand.
void World::late_mate() {
    trace(0, "---- scene: a late mate");
    cut_off(2);
    spoil_paths(1, [](Path& path) { path.hung = true; });
    const auto tardy = within(milliseconds(100), milliseconds(700));
    for (const std::size_t node : {0, 2}) {
        spoil_paths(node, [tardy](Path& path) { path.tardy = tardy; });
    }
    const bool orderly = scenes_.one_in(2);
    act([this] { return casts(0); }, within(Time(0), seconds(2)),
        [this, orderly] {
            hosts_[0].stays_down = true;
            if (orderly) {
                feed(0, Channel::kOther, StopVoting{});
            } else {
                kill_voter(0);
            }
            heal_paths(0);
            heal_paths(2);
            trap_ = 1;
        });
}

// ---- the two leases of C3

// No watchdog binds node 1. It is alone, and its disk refuses for nearly a lease, takes a last
// renewal and keeps it until node 2 has waited for the silence.
void World::late_renewal() {
    trace(0, "---- scene: a late renewal");
    act([this] { return all_well(); }, within(Time(0), seconds(1)), [this] { cut_off(0); });
    act([this] { return casts_among(0, 1); }, within(seconds(1), seconds(3)),
        [this] { spoil_paths(0, [](Path& path) { path.refusing = true; }); });
    const auto before = within(milliseconds(900), milliseconds(1500));
    act(
        [this, before] {
            const auto lease = status_of(0).lease;
            return !lease || events_.now() >= hosts_[0].clock.when(*lease) - before;
        },
        Time(0),
        [this] {
            spoil_paths(0, [](Path& path) {
                path.refusing = false;
                path.hung = true;
            });
        });
    act([this] { return casts(1); }, within(Time(0), milliseconds(500)), [this] { heal_paths(0); });
}

// ---- wards

// Node 2 votes without a path to the disk, as a ward of node 1, whose voter dies and begins anew.
void World::last_wards() {
    trace(0, "---- scene: the last life's wards");
    act([this] { return all_well(); }, within(Time(0), seconds(1)),
        [this] {
            cut_off(2);
            spoil_paths(1, [](Path& path) { path.hung = true; });
        });
    act([this] { return casts_among(1, 2) && !status_of(1).trusted; },
        within(seconds(1), seconds(4)), [this] { kill_voter(0); });
    act([] { return true; }, within(milliseconds(10), milliseconds(300)),
        [this] { start_voter(0); });
}

// Node 2 was in a ring with node 3, lost its path and is node 1's ward in a later ring; node 3's
// Corosync stands still in the old one, but for a moment. Node 1's voter begins anew, and node 3
// asks for the votes of the old ring.
void World::ward_moves_on() {
    trace(0, "---- scene: a ward moves on");
    cut_off(0);
    spoil_paths(2, [](Path& path) { path.hung = true; });
    act([this] { return casts(1); }, within(Time(0), milliseconds(300)),
        [this] {
            spoil_paths(1, [](Path& path) { path.hung = true; });
            heal_paths(2);
        });
    act([this] { return in_state(2, VoterState::kProbe); }, within(Time(0), seconds(2)),
        [this] {
            corosync_->freeze(2);
            cut_.erase({0, 1});
            cut_.insert({1, 2});
            corosync_->topology_changed();
        });
    act([this] { return casts_among(0, 2) && casts_among(1, 2) && !status_of(1).trusted; },
        within(Time(0), seconds(3)),
        [this] {
            kill_voter(0);
            start_voter(0);
            thaw_corosync(2);
        });
    act([] { return true; }, milliseconds(15), [this] { corosync_->freeze(2); });
    act([this] { return status_of(2).held != status_of(2).released; },
        within(milliseconds(50), milliseconds(800)), [this] { thaw_corosync(2); });
}

// ---- fences

// Three nodes whose ring needs no disk lose it, and live by what they tell each other. Node 4, cut
// off from them, wants the end of one.
void World::quiet_ring() {
    trace(0, "---- scene: a ring that needs no disk");
    act([this] { return all_well(); }, within(Time(0), seconds(2)),
        [this] {
            cut_off(3);
            for (const std::size_t node : {0, 1, 2}) {
                spoil_paths(node, [](Path& path) { path.hung = true; });
            }
        });
    act([this] { return status_of(3).silent.size() == 3; }, within(Time(0), seconds(6)),
        [this] { want_fence(3, 0, "it is silent"); });
}

}  // namespace quorate::quorum::simulator
