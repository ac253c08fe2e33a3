#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "world.hpp"

// Somebody wants the end of a node that may not be able to read it. Nobody may be told that its
// machine was reset while it runs.
namespace quorate::quorum::simulator {

using sim::between;
using sim::milliseconds;
using sim::seconds;

void World::fence_later() {
    if (scenario_.timing.mode() == StopMode::kSoft) {
        return;  // silence proves nothing there
    }
    events_.after(between(fences_, seconds(3), seconds(25)), [this] {
        if (!healed_) {
            if (events_.now() >= calm_until_) {
                fence_someone();
            }
            fence_later();
        }
    });
}

void World::fence_someone() {
    const auto target = fences_.below(hosts_.size());
    const auto by = (target + 1 + fences_.below(hosts_.size() - 1)) % hosts_.size();
    const auto kind = fences_.below(8);
    constexpr const char* kNames[] = {
        "loses the disk", "loses disk and links", "is stopped",         "starts once more",
        "loses the disk", "is left behind",       "boots with no disk", "boots with no disk"};
    trace(target, fmt::format("---- fenced by {}: {}", by + 1, kNames[kind]));
    if (!runs(target)) {
        return;
    }
    const auto lose_disk = [&] {
        spoil_paths(target, [](Path& path) { path.hung = true; });
        events_.after(between(fences_, seconds(5), seconds(50)),
                      [this, target] { heal_paths(target); });
    };
    switch (kind) {
        case 0:
            lose_disk();
            break;
        case 1:
            lose_disk();
            cut_off(target);
            break;
        case 2:
            stop_for_good(target);
            break;
        case 3:
            kill_voter(target);
            events_.after(between(fences_, milliseconds(200), seconds(2)),
                          [this, target] { start_voter(target); });
            break;
        case 4:  // and who wants it does not hear of rings
            lose_disk();
            freeze(by, /*voter=*/false, /*corosync=*/true);
            break;
        case 6:
        case 7:
            start_without_disk(target);
            break;
        default:  // the voter that wants it stops while the others go on
            lose_disk();
            cut_off(by);
            events_.after(between(fences_, seconds(1), seconds(12)), [this] {
                if (!healed_) {
                    cut_.clear();
                    corosync_->topology_changed();
                }
            });
            break;
    }
    if (fences_.one_in(2)) {
        calm_until_ = std::max<sim::Time>(calm_until_, events_.now() + seconds(35));
    }
    const auto late = kind >= 6 ? seconds(25) : seconds(6);
    events_.after(between(fences_, milliseconds(10), late), [this, by, target] {
        if (!healed_) {
            want_fence(by, target, "it is wanted");
        }
    });
}

void World::want_fence(std::size_t by, std::size_t target, const char* why) {
    if (hosts_[by].voter && *last_act_ == '\0') {
        wanted_boots_[{by, target}] = hosts_[target].worked ? hosts_[target].boot : 0;
        feed(by, Channel::kOther, FenceWanted{Corosync::id_of(target), why});
    }
}

// Without quorum nothing that is to be had once only was ever started on a machine.
void World::note_quorum() {
    const auto enough = (hosts_.size() + scenario_.disk_votes) / 2 + 1;
    for (std::size_t node = 0; node < hosts_.size(); ++node) {
        const auto disk = corosync_->counts(node) ? scenario_.disk_votes : 0;
        if (hosts_[node].on && corosync_->ring(node).members.size() + disk >= enough) {
            hosts_[node].worked = hosts_[node].worked.value_or(events_.now());
        }
    }
}

// Its page is of the boot before, and stays so; with the others, and then without them, it runs.
void World::start_without_disk(std::size_t node) {
    power_off(node);
    spoil_paths(node, [](Path& path) { path.hung = true; });
    events_.after(between(fences_, seconds(1), seconds(12)), [this, node] { power_on(node); });
    if (fences_.one_in(2)) {
        events_.after(between(fences_, seconds(3), seconds(20)), [this, node] {
            if (!healed_) {
                cut_off(node);
            }
        });
    }
    events_.after(between(fences_, seconds(10), seconds(60)), [this, node] { heal_paths(node); });
}

// Its machine goes on, and nobody watches it any more.
void World::stop_for_good(std::size_t node) {
    hosts_[node].stays_down = true;
    feed(node, Channel::kOther, StopVoting{});
    events_.after(between(fences_, seconds(20), seconds(50)), [this, node] {
        if (std::exchange(hosts_[node].stays_down, false) && *last_act_ == '\0') {
            start_voter(node);
        }
    });
}

}  // namespace quorate::quorum::simulator
