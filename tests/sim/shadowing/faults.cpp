#include <algorithm>

#include <fmt/format.h>

#include "world.hpp"

// What goes wrong in a World.
namespace quorate::shadowing::simulator {

void World::fault_later() {
    events_.after(sim::between(random_, sim::milliseconds(20), scenario_.pause_max), [this] {
        if (!healed_) {
            if (scenario_.mood != Scenario::Mood::kPlain && random_.one_in(3)) {
                fault_of_mood();
            } else {
                fault();
            }
            fault_later();
        }
    });
}

void World::fault() {
    if (is_clustered() && random_.one_in(2)) {
        stack_->machines().fault();
        events_.after(sim::between(random_, sim::milliseconds(300), sim::seconds(4)),
                      [this] { stack_->machines().heal_links(); });
        return;
    }
    const auto n = random_.below(nodes_.size());
    const DeviceIndex disk = random_.below(disks_.size());
    const auto some_time = sim::between(random_, sim::milliseconds(20), sim::seconds(2));
    switch (random_.below(14)) {
        case 0:
        case 1:
            kill(n);
            return;
        case 2:
            trace(n, "freezes");
            nodes_[n].frozen_until = events_.now() + some_time;
            return;
        case 3:
        case 4:
            if (!is_clustered() &&
                std::ranges::none_of(nodes_, [](const Node& node) { return node.cut; })) {
                trace(n, "is cut off");
                nodes_[n].cut = true;
                events_.after(some_time, [this, n] { nodes_[n].cut = false; });
            }
            return;
        case 5:
        case 6:
            if (!disks_[disk].host || nodes_[*disks_[disk].host].on) {
                disk_off(disk);
                events_.after(some_time, [this, disk] {
                    auto& served = disks_[disk];
                    if (!served.disk->is_on() && (!served.host || nodes_[*served.host].on)) {
                        served.disk->power_on();
                    }
                });
            }
            return;
        case 7:
            power_off_node(n);
            events_.after(some_time, [this, n] { power_on_node(n); });
            return;
        case 8:
            if (random_.one_in(2)) {
                everything_off();
            }
            return;
        case 9:
            // One bad place at a time: what no member can read is nobody's promise.
            disks_[0].disk->damage(random_.below(scenario_.blocks));
            return;
        case 10:
            dismount(n);
            return;
        case 11:
            if (!image_ || random_.one_in(3)) {
                copy_image(disk);
            }
            return;
        default:
            disks_[disk].slow = sim::between(random_, sim::Time(0), sim::milliseconds(900));
            events_.after(some_time, [this, disk] { disks_[disk].slow = sim::Time(0); });
            return;
    }
}

void World::fault_of_mood() {
    const auto n = random_.below(nodes_.size());
    switch (scenario_.mood) {
        case Scenario::Mood::kPlain:
            return;
        case Scenario::Mood::kDense:
            kill(n);
            return;
        case Scenario::Mood::kRestless:
            // All leave, and some are back before the last has left.
            for (std::size_t i = 0; i < nodes_.size(); ++i) {
                events_.after(sim::between(random_, sim::Time(0), sim::milliseconds(40)),
                              [this, i] { dismount(i); });
            }
            return;
        case Scenario::Mood::kDark:
            everything_off();
            return;
        case Scenario::Mood::kSteered:
            fault_of_steered(n);
            return;
    }
}

void World::fault_of_steered(std::size_t n) {
    const auto some_time = sim::between(random_, sim::milliseconds(100), sim::seconds(3));
    const DeviceIndex disk = random_.below(disks_.size());
    switch (random_.below(4)) {
        case 0:
            disks_[disk].far[n] = sim::between(random_, sim::Time(0), sim::milliseconds(600));
            events_.after(some_time, [this, disk, n] { disks_[disk].far.erase(n); });
            return;
        case 1:
            for (auto i = 1 + random_.below(4); i > 0; --i) {
                disks_[0].disk->damage(random_.below(scenario_.blocks));
            }
            return;
        default: {
            const auto work = random_.one_in(3) ? Work::kCopy : Work::kMerge;
            steer(work, /*runs=*/false);
            events_.after(some_time, [this, work] { steer(work, /*runs=*/true); });
            if (random_.one_in(2)) {
                kill(n);
            }
            return;
        }
    }
}

void World::steer(Work work, bool runs) {
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
        feed(n, nodes_[n].opener, Steer{work, Pace{runs, 100}});
    }
}

// Somebody keeps an image of a disk, and puts it back when the set goes on without the disk. One of
// the same stint would be taken for what left: nobody can tell, and it is outside the promise.
void World::copy_image(DeviceIndex i) {
    if (disks_[i].disk->is_on() && !scenario_.liar) {
        trace(0, fmt::format("an image of d{} is kept", i));
        image_.emplace(i, *disks_[i].disk);
    }
}

void World::put_image_back() {
    const auto i = image_->first;
    const auto image = choose_label(image_->second.labels());
    const auto& label = newest();
    const auto* member = label ? label->find({0, 0xd1 + i}) : nullptr;
    if (!image || member == nullptr || member->role != Role::kExpelled ||
        image->label.find({0, 0xd1 + i})->since == member->fence ||
        label->generation != witness_->generation || label->set_blocks != image->label.set_blocks) {
        return;
    }
    trace(0, fmt::format("d{} is as it was once", i));
    disk_off(i);
    disks_[i].disk->put_back(image_->second);
    disks_[i].disk->power_on();
    image_.reset();
}

// So short that no disk is missed.
void World::short_power_failure() {
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
        kill(n);
    }
    for (DeviceIndex i = 0; i < disks_.size(); ++i) {
        disk_off(i);
        disks_[i].disk->power_on();
    }
}

void World::everything_off() {
    trace(0, "everything loses power");
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
        if (is_clustered()) {
            power_off_node(n);
        }
        nodes_[n].on = false;
        kill(n);
    }
    for (DeviceIndex i = 0; i < disks_.size(); ++i) {
        disk_off(i);
    }
    // In any order, and some much later.
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
        events_.after(sim::between(random_, sim::milliseconds(10), sim::seconds(1)),
                      [this, n] { power_on_node(n); });
    }
    for (DeviceIndex i = 0; i < disks_.size(); ++i) {
        events_.after(sim::between(random_, sim::milliseconds(10), sim::seconds(2)), [this, i] {
            auto& served = disks_[i];
            if (!served.disk->is_on() && (!served.host || nodes_[*served.host].on)) {
                served.disk->power_on();
            }
        });
    }
}

void World::heal() {
    healed_ = true;
    trace(0, "everything heals");
    if (scenario_.mood == Scenario::Mood::kSteered) {
        steer(Work::kMerge, /*runs=*/true);
        steer(Work::kCopy, /*runs=*/true);
    }
    if (is_clustered()) {
        stack_->machines().heal_everything();
    }
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
        nodes_[n].cut = false;
        nodes_[n].frozen_until = std::min(nodes_[n].frozen_until, events_.now());
        if (!nodes_[n].on) {
            power_on_node(n);
        }
    }
    for (auto& served : disks_) {
        served.slow = sim::Time(0);
        served.far.clear();
        served.disk->repair();
        if (!served.disk->is_on()) {
            served.disk->power_on();
        }
    }
}

}  // namespace quorate::shadowing::simulator
