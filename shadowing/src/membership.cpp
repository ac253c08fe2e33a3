#include <algorithm>

#include <fmt/format.h>

#include "set_impl.hpp"

// The membership as others see and change it: who is a member, in which role; what the operator
// wants of it.
namespace quorate::shadowing {

bool Set::Impl::change_wanted() const {
    return !expel.empty() || !copy_anew.empty() || (promote && !is_merge_due()) || recover ||
           (add && devices[*add].locked) || fence_wanted() || may_grow(now_current, now_current);
}

// ---- what others changed

void Set::Impl::begin_adoption(const WitnessWord& word) {
    phase = Phase::kAdopting;
    adopting = word;
    waiting_for = 1;
    for (DeviceIndex i = 0; i < devices.size(); ++i) {
        if (!devices[i].suspect && !devices[i].name.empty()) {
            ++waiting_for;
            ask(i, Purpose::kLabelForAdoption, 0, ReadLabel{{}, i});
        }
    }
    if (--waiting_for == 0) {
        label_for_adoption();
    }
}

void Set::Impl::label_for_adoption() {
    for (const auto& device : devices) {
        if (device.label && device.label->lineage == adopting.lineage &&
            device.label->generation == adopting.generation) {
            const auto label = *device.label;
            adopt(label);
            check_lives();
            go_active();
            return;
        }
    }
    give_up("no disk can be read that has the label of the generation that is mounted");
}

void Set::Impl::adopt(const Label& label) {
    const auto old = std::exchange(now_current, label);
    const bool had_current = std::exchange(has_current, true);
    bool somebody_new = false;
    bool kept = false;
    for (const auto& member : now_current.members) {
        const auto* before = had_current ? old.find(member.id) : nullptr;
        const bool same_stint =
            before != nullptr && before->role != Role::kExpelled && before->since == member.since;
        kept |= same_stint && is_source(member.role);
        if (!same_stint || !is_target(member.role)) {
            copy_anew.erase(member.id);
        }
        somebody_new |= !same_stint && member.role != Role::kExpelled;
        const auto device = std::ranges::find(devices, member.id, &Device::member);
        if (member.role == Role::kExpelled) {
            expel.erase(member.id);
            whole_copy.erase(member.id);
            if (device != devices.end() && device->locked && !device->closing &&
                add != static_cast<DeviceIndex>(device - devices.begin())) {
                device->closing = true;
                const auto index = static_cast<DeviceIndex>(device - devices.begin());
                out.emplace_back(CloseDevice{index});
                if (mutated("forget_zombies")) {
                    on(DeviceClosed{index});
                }
            } else if (device != devices.end() && !device->closing) {
                device->suspect = false;
            }
        } else if (device != devices.end()) {
            device->reason = device->suspect ? device->reason : std::string();
        } else {
            expel.insert(member.id);  // cannot be reached from here
        }
    }
    if (add && devices[*add].locking && is_in(devices[*add].member)) {
        // Somebody else was first: no longer alone, but with all that have operations on it.
        lock({LockKind::kMember, devices[*add].member.low}, Hold::kShared);
        add.reset();
    }
    if (had_current && !kept) {
        report_lost_cache();
    }
    if (intent) {
        intent->keep_changes(now_current.changes_since, now_current.set_blocks);
    }
    if (intent && somebody_new && !mutated("forget_refresh")) {
        intent->refresh();
    }
    const auto* promoted = promote ? now_current.find(*promote) : nullptr;
    if (promoted == nullptr || !is_target(promoted->role) || promoted->since != target_since) {
        promote.reset();
    }
    for (auto& [id, job] : jobs) {
        restart_job(job);
    }
    if (mounted && old.set_blocks != now_current.set_blocks) {
        out.emplace_back(Resized{now_current.set_blocks});
    }
}

void Set::Impl::check_lives() {
    for (const auto& [member, device] : current(true, true)) {
        if (devices[device].life != member->life && !mutated("ignore_life")) {
            suspect(device, "lost its cache");
        }
    }
}

void Set::Impl::go_active() {
    phase = Phase::kActive;
    for (const auto& [id, write] : writes) {
        restless.insert(id);
    }
    if (!slots_read) {
        start_mount_slots();
    }
}

void Set::Impl::release_membership() {
    membership_blocking = false;
    membership = Hold::kNone;
    phase = Phase::kWaitingShared;
    lock({}, Hold::kNull);
    lock({}, Hold::kShared);
}

void Set::Impl::on(const RemoveDevice& input) {
    const auto* member = member_of(input.device);
    const auto sources = current(true, false);
    if (member == nullptr || member->role == Role::kExpelled || !is_active() ||
        (sources.size() == 1 && sources.front().device == input.device)) {
        refuse(input.device, "cannot be removed now: " + devices[input.device].name);
        return;
    }
    expel.insert(member->id);
    devices[input.device].reason = "the operator removed it";
    if (!input.keep_changes) {
        whole_copy.insert(member->id);
    }
}

void Set::Impl::on(const NameDevice& input) {
    if (devices[input.device].name.empty()) {
        devices[input.device].name = input.name;
    }
}

void Set::Impl::on(const AddDevice& input) {
    on(NameDevice{input.device, input.name});
    const auto& device = devices[input.device];
    const auto* member = member_of(input.device);
    const bool is_member = member != nullptr && member->role != Role::kExpelled;
    if (add || device.locked || device.locking || is_member || !is_active()) {
        refuse(input.device, is_member ? "is a member already: " + device.name
                                       : "cannot be added now: " + device.name);
        return;
    }
    add = input.device;
    ask(input.device, Purpose::kLabelForAddition, 0, ReadLabel{{}, input.device});
}

// Everybody's earlier operations on it have ended when its lock is granted.
void Set::Impl::label_for_addition() {
    auto& device = devices[*add];
    if (!device.label) {
        refuse(*add, "carries no label of the set: " + device.name);
        add.reset();
        return;
    }
    device.suspect = false;
    device.locking = true;
    lock({LockKind::kMember, device.member.low}, Hold::kExclusive);
}

}  // namespace quorate::shadowing
