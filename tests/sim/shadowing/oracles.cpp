#include <algorithm>

#include <fmt/format.h>

#include "world.hpp"

// What must hold in a World all the same.
namespace quorate::shadowing::simulator {

// The label that counts, whoever could read it.
const std::optional<Label>& World::newest() {
    if (decoded_.label_changes == meta_changes()) {
        return decoded_.newest;
    }
    decoded_.label_changes = meta_changes();
    auto& newest = decoded_.newest;
    newest.reset();
    for (const auto& served : disks_) {
        auto found = choose_label(served.disk->labels());
        if (found && (!newest || found->label.generation.number > newest->generation.number)) {
            newest = std::move(found->label);
        }
    }
    return newest;
}

std::uint64_t World::meta_changes() const {
    std::uint64_t all = 1;
    for (const auto& served : disks_) {
        all += served.disk->meta_changes();
    }
    return all;
}

// What the log of a disk is sure to say after a power failure.
const std::set<std::uint64_t>& World::hot_regions(const Label& label, DeviceIndex of) {
    if (decoded_.log_changes == meta_changes() && decoded_.log_of == of) {
        return decoded_.hot;
    }
    decoded_.log_changes = meta_changes();
    decoded_.log_of = of;
    decoded_.hot.clear();
    for (std::uint16_t slot = 0; slot < nodes_.size(); ++slot) {
        const auto block = choose_intent(disks_[of].disk->durable_intent(OpenerSlot(slot)),
                                         label.set, OpenerSlot(slot));
        if (block && *block) {
            decoded_.hot.insert((*block)->regions.begin(), (*block)->regions.end());
        }
    }
    return decoded_.hot;
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
        question.disks.push_back({"alone", std::move(found->label), {}});
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
    const auto& label = newest();
    std::optional<DeviceIndex> first;
    std::vector<const Disk*> sources;
    for (DeviceIndex i = 0; label && i < disks_.size(); ++i) {
        const auto* member = label->find({0, 0xd1 + i});
        const auto& disk = *disks_[i].disk;
        if (member != nullptr && is_source(member->role) && disk.is_on() &&
            disk.life() == member->life) {
            sources.push_back(&disk);
            first = first.value_or(i);
        }
    }
    if (sources.size() < 2 || label->generation != witness_->generation) {
        return;
    }
    const auto& hot = hot_regions(*label, *first);
    for (std::uint64_t lbn = 0; lbn < label->set_blocks; ++lbn) {
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

// I7: of the generation that counts; what came to nothing told nobody a fence.
void World::check_fences() {
    const auto& label = newest();
    if (!label || label->generation != witness_->generation) {
        return;
    }
    for (const auto& member : label->members) {
        if (is_target(member.role)) {
            auto& fence = fences_[{member.id, member.since}];
            if (member.fence < fence) {
                breach("I7: a fence moves back");
            }
            fence = member.fence;
        }
    }
}

// A number stands for one change of the membership, whoever made it and whatever became of it.
void World::check_number(const Label& label) {
    const auto& [number, id] = label.generation;
    if (numbers_.try_emplace({label.lineage, number}, id).first->second != id) {
        breach(fmt::format("generation {} is begun twice", number));
    }
}

// What a clean label says.
void World::check_clean(std::size_t n) {
    for (std::size_t other = 0; other < nodes_.size(); ++other) {
        if (other != n && nodes_[other].mounted && !nodes_[other].expelled) {
            breach(fmt::format("node {} leaves a clean label, node {} is there", n, other));
        }
    }
    const auto& label = newest();
    for (DeviceIndex i = 0; label && i < disks_.size(); ++i) {
        const auto* member = label->find({0, 0xd1 + i});
        if (member != nullptr && is_source(member->role) && !disks_[i].disk->is_flushed()) {
            breach(fmt::format("node {} leaves a clean label, d{} is not flushed", n, i));
        }
    }
}

std::string World::stuck() const {
    if (is_clustered()) {
        if (const auto missing = stack_->machines().progress_missing(); !missing.empty()) {
            return "the cluster: " + missing;
        }
    }
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
        const auto& node = nodes_[n];
        if (!node.set || !node.mounted) {
            const auto why = node.set ? node.set->status().stalled : std::string("it does not run");
            return fmt::format("node {} has it not mounted ({})", n, why);
        }
        const auto status = node.set->status();
        if (status.blocks != scenario_.room) {
            return fmt::format("node {}: the unit has {} blocks", n, status.blocks);
        }
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
    for (std::uint64_t lbn = 0; lbn < scenario_.room; ++lbn) {
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

}  // namespace quorate::shadowing::simulator
