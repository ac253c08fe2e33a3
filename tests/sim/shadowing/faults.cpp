#include <algorithm>

#include <fmt/format.h>

#include "world.hpp"

// What goes wrong in a World, what must hold all the same, and how a run ends.
namespace quorate::shadowing::simulator {

void World::fault_later() {
    events_.after(sim::between(random_, sim::milliseconds(20), scenario_.pause_max), [this] {
        if (!healed_) {
            fault();
            fault_later();
        }
    });
}

void World::fault() {
    const auto n = random_.below(nodes_.size());
    const DeviceIndex disk = random_.below(disks_.size());
    const auto some_time = sim::between(random_, sim::milliseconds(20), sim::seconds(2));
    switch (random_.below(12)) {
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
            if (std::ranges::none_of(nodes_, [](const Node& node) { return node.cut; })) {
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
        default:
            disks_[disk].slow = sim::between(random_, sim::Time(0), sim::milliseconds(900));
            events_.after(some_time, [this, disk] { disks_[disk].slow = sim::Time(0); });
            return;
    }
}

void World::everything_off() {
    trace(0, "everything loses power");
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
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
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
        nodes_[n].cut = false;
        nodes_[n].frozen_until = std::min(nodes_[n].frozen_until, events_.now());
        if (!nodes_[n].on) {
            power_on_node(n);
        }
    }
    for (auto& served : disks_) {
        served.slow = sim::Time(0);
        served.disk->repair();
        if (!served.disk->is_on()) {
            served.disk->power_on();
        }
    }
}

// ---- what must hold

// The label that counts, whoever could read it.
std::optional<Label> World::newest() const {
    std::optional<Label> newest;
    for (const auto& served : disks_) {
        auto found = choose_label(served.disk->labels());
        if (found && (!newest || found->label.generation.number > newest->generation.number)) {
            newest = std::move(found->label);
        }
    }
    return newest;
}

// I5: no disk without an acknowledged write may be mounted by itself.
void World::check_acknowledged(std::uint64_t value, Extent extent) {
    for (DeviceIndex i = 0; i < disks_.size(); ++i) {
        const auto& disk = *disks_[i].disk;
        auto found = choose_label(disk.durable_labels());
        if (!found || disk.read(extent.lbn) == value) {
            continue;
        }
        const auto* own = found->label.find(found->label.member);
        if (own->life != disk.life() || !disk.is_on()) {
            continue;  // what it lost with its power it once had
        }
        MountQuestion question;
        question.disks.push_back({"alone", std::move(found->label), {}, false});
        question.witness = {.known = true, .word = witness_};
        const auto plan = plan_mount(question);
        if (plan.allowed) {
            breach(
                fmt::format("I5: block {} = {} is acknowledged, d{} has it not and could be "
                            "mounted alone",
                            extent.lbn, value, i));
        }
    }
}

// I4: where sources differ, some opener's durable log says so.
void World::check_dirty() {
    const auto label = newest();
    std::vector<const Disk*> sources;
    for (DeviceIndex i = 0; label && i < disks_.size(); ++i) {
        const auto* member = label->find({0, 0xd1 + i});
        const auto& disk = *disks_[i].disk;
        if (member != nullptr && is_source(member->role) && disk.is_on() &&
            disk.life() == member->life) {
            sources.push_back(&disk);
        }
    }
    if (sources.size() < 2 || label->generation != witness_->generation) {
        return;
    }
    std::set<std::uint64_t> hot;
    for (std::uint16_t slot = 0; slot < nodes_.size(); ++slot) {
        const auto block = choose_intent(sources[0]->durable_intent(OpenerSlot(slot)), label->set,
                                         OpenerSlot(slot));
        if (block && *block) {
            hot.insert((*block)->regions.begin(), (*block)->regions.end());
        }
    }
    for (std::uint64_t lbn = 0; lbn < scenario_.blocks; ++lbn) {
        for (const auto* disk : sources) {
            if (disk->read(lbn) != sources[0]->read(lbn) &&
                !hot.contains(lbn >> label->layout.region_shift)) {
                std::string all;
                for (const auto& served : disks_) {
                    all += fmt::format(" {}", served.disk->read(lbn));
                }
                breach(fmt::format("I4: sources differ at block {} ({}), no log says so: {}", lbn,
                                   all, fmt::join(hot, " ")));
            }
        }
    }
}

// I7
void World::check_fences(const Label& label) {
    for (const auto& member : label.members) {
        if (is_target(member.role)) {
            auto& fence = fences_[{member.id, member.since}];
            if (member.fence < fence) {
                breach("I7: a fence moves back");
            }
            fence = member.fence;
        }
    }
}

std::string World::stuck() const {
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
        const auto& node = nodes_[n];
        if (!node.set || !node.mounted) {
            return fmt::format("node {} has it not mounted", n);
        }
        const auto status = node.set->status();
        if (!node.requests.empty()) {
            return fmt::format("node {}: {} requests wait ({})", n, node.requests.size(),
                               status.stalled);
        }
        for (const auto& member : status.members) {
            if (member.role != Role::kFull) {
                return fmt::format("node {}: {} is {}", n, member.device, name_of(member.role));
            }
        }
        if (!status.to_merge.empty()) {
            return fmt::format("node {} still waits for a merge", n);
        }
    }
    return {};
}

std::string World::final_breach() const {
    for (std::uint64_t lbn = 0; lbn < scenario_.blocks; ++lbn) {
        const auto value = disks_[0].disk->read(lbn);
        for (const auto& served : disks_) {
            if (served.disk->read(lbn) != value) {
                return fmt::format("in the end members differ at block {}", lbn);
            }
        }
        if (!history_.allows(lbn, value)) {
            return fmt::format("in the end block {} is {}, possible: {}", lbn, value,
                               history_.possible(lbn));
        }
    }
    return {};
}

std::string World::run() {
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
        events_.after(sim::between(random_, sim::Time(1), sim::milliseconds(50)),
                      [this, n] { start(n); });
    }
    renew_leases();
    operate();
    fault_later();
    const auto ended = [&] { return !breach_.empty() || !history_.breach().empty(); };
    const auto run_until = [&](sim::Time end) {
        while (events_.now() < end && !ended()) {
            events_.run_until(std::min(end, events_.now() + sim::milliseconds(5)));
            check_dirty();
        }
    };
    run_until(scenario_.faulty);
    if (!ended()) {
        heal();
        run_until(events_.now() + sim::seconds(3));
        quiet_ = true;
        const auto end = events_.now() + sim::seconds(60);
        while (events_.now() < end && !ended() && !stuck().empty()) {
            run_until(events_.now() + sim::milliseconds(100));
        }
        if (!ended()) {
            breach(stuck());
            breach(final_breach());
        }
    }
    return history_.breach().empty() ? breach_ : history_.breach();
}

void World::trace(std::size_t n, const std::string& what) const {
    if (traced_) {
        fmt::print("{:>9.3f} n{} {}\n", static_cast<double>(events_.now().count()) / 1000, n, what);
    }
}

}  // namespace quorate::shadowing::simulator
