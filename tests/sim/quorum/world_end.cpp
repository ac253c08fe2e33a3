#include <algorithm>
#include <numeric>

#include <fmt/core.h>

#include "world.hpp"

namespace quorate::quorum::simulator {

using sim::between;
using sim::milliseconds;
using sim::seconds;
using sim::Time;

namespace {
constexpr auto kQuietFor = seconds(5);
constexpr auto kObeysIn = seconds(6);
constexpr auto kRingForgets = seconds(6);
}  // namespace

void World::heal_everything() {
    healed_ = true;
    trace(0, "---- everything heals");
    cut_.clear();
    for (std::size_t node = 0; node < hosts_.size(); ++node) {
        for (auto& disk : disks_) {
            disk->heal(node);
        }
        hosts_[node].stays_down = false;
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

// Where all is well a node does as it is told to.
std::string World::fence_one() {
    const auto by = random_.below(hosts_.size());
    const auto target = (by + 1 + random_.below(hosts_.size() - 1)) % hosts_.size();
    trace(by, fmt::format("---- fences {}", target + 1));
    fence_ = {by, Corosync::id_of(target), {}};
    want_fence(by, target, "it is its turn");
    const auto begun = events_.now();
    const auto life = hosts_[by].life;
    // It cannot be proven of one that no watchdog binds; and who wants it may have to go itself.
    const bool can = !hosts_[target].unbindable;
    const bool soft = scenario_.timing.mode() == StopMode::kSoft;
    const Time out = soft ? Time(kRingForgets) : scenario_.timing.surely_stopped();
    while (!fence_.done && events_.now() < begun + kObeysIn + out && oracle_->breach().empty()) {
        events_.run_until(events_.now() + milliseconds(50));
    }
    const bool asks = can && hosts_[by].voter && hosts_[by].life == life &&
                      hosts_[by].voter->status(hosts_[by].clock.exact(events_.now())).state !=
                          VoterState::kEvicted;
    if (oracle_->breach().empty() && asks && fence_.done != scenario_.resets) {
        return fmt::format("node {} is told to end its life: {}", target + 1,
                           !fence_.done   ? "nothing comes of it"
                           : *fence_.done ? "its machine is said to be reset"
                                          : "refused");
    }
    return progress();
}

void World::lose(const std::vector<std::size_t>& gone, const std::vector<std::size_t>& left,
                 std::uint64_t way) {
    for (const auto node : gone) {
        if (way == 0) {
            power_off(node);
        } else if (way == 1) {
            feed(node, Channel::kOther, StopVoting{});
        } else {
            for (const auto other : left) {
                cut_.insert({std::min(other, node), std::max(other, node)});
            }
        }
    }
}

// All of them, being a ring of their own, have the votes.
bool World::have_votes(const std::vector<std::size_t>& nodes) const {
    return std::ranges::all_of(nodes, [&](std::size_t node) {
        const auto& ring = corosync_->ring(node);
        return corosync_->counts(node) && corosync_->voted_in(node) == ring &&
               ring.members.size() == nodes.size();
    });
}

bool World::are_a_ring(const std::vector<std::size_t>& nodes) const {
    return std::ranges::all_of(nodes, [&](std::size_t node) {
        return corosync_->ring(node).members.size() == nodes.size();
    });
}

// Some nodes go, whichever, in one of three ways; the others, if they are enough with the disk,
// must have its votes within what is promised: after an orderly end or a clean cut in 3 s from
// Corosync's new ring, after a loss of power in silence + 2 s.
std::string World::last_loss() {
    std::vector<std::size_t> left(hosts_.size());
    std::iota(left.begin(), left.end(), 0);
    std::vector<std::size_t> gone;
    const auto leave = 1 + random_.below(hosts_.size() - 1);
    while (gone.size() < leave) {
        const auto it = left.begin() + static_cast<std::ptrdiff_t>(random_.below(left.size()));
        gone.push_back(*it);
        left.erase(it);
    }
    const auto way = random_.below(3);
    const auto most = way == 2 ? std::max(left.size(), leave) : left.size();
    const auto expected = hosts_.size() + scenario_.disk_votes;
    const bool enough = most + scenario_.disk_votes >= expected / 2 + 1;
    constexpr const char* kWays[] = {"power", "stop", "cut"};
    last_act_ = kWays[way];
    for (auto& disk : disks_) {
        disk->leave_no_stragglers();
    }
    trace(0, fmt::format("---- last: {} of {}", kWays[way], leave));
    lose(gone, left, way);
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
    while (events_.now() < lost + limit + seconds(5) && oracle_->breach().empty()) {
        events_.run_until(events_.now() + milliseconds(50));
        const bool rings = are_a_ring(left) && (way != 2 || are_a_ring(gone));
        formed = rings ? std::min(formed, events_.now()) : formed;
        if (rings && (have_votes(left) || (way == 2 && have_votes(gone)))) {
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
