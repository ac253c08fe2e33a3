#include <fmt/format.h>

#include "world.hpp"

// Disks that have not what they were given, and the scrub that finds it.
namespace quorate::shadowing::simulator {

bool World::members_equal() const {
    for (std::uint64_t lbn = 0; lbn < scenario_.room; ++lbn) {
        for (const auto& served : disks_) {
            if (served.disk->read(lbn) != disks_[0].disk->read(lbn)) {
                return false;
            }
        }
    }
    return true;
}

// Nobody writes, all are members. Whatever differs now, because a disk has lied or because it is
// made to differ, must be found and mended; where two agree against one, as the two have it.
void World::rot_and_scrub() {
    const bool decidable = disks_.size() > 2 && !scenario_.liar;
    if (decidable) {
        auto& disk = *disks_[random_.below(disks_.size())].disk;
        for (auto i = 1 + random_.below(4); i > 0; --i) {
            disk.rot(random_.below(scenario_.room), random_.next());
        }
    }
    if (members_equal() || !breach_.empty()) {
        return;
    }
    const auto reports = scrub_reports_;
    const auto n = random_.below(nodes_.size());
    if (random_.one_in(2)) {
        feed(n, nodes_[n].opener, Steer{Work::kScrub, Pace{}, /*pass_now=*/true});
    }
    const auto end = events_.now() + sim::seconds(60);
    while (events_.now() < end && breach_.empty() && !members_equal()) {
        events_.run_until(events_.now() + sim::milliseconds(5));
    }
    events_.run_until(events_.now() + sim::milliseconds(50));
    if (!members_equal()) {
        breach("members differ, and no scrub mends it");
    } else if (scrub_reports_ == reports) {
        breach("members differed, and no scrub has told of it");
    } else if (decidable) {
        breach(final_breach());
    }
}

}  // namespace quorate::shadowing::simulator
