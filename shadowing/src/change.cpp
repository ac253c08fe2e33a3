#include <algorithm>

#include <fmt/format.h>

#include "set_impl.hpp"

// A change of the membership by whoever holds its lock exclusively: labels of all that stay, the
// witness, the lock's value; in this order, each before the next.
namespace quorate::shadowing {

void Set::Impl::begin_change() {
    if (membership == Hold::kShared) {
        lock({}, Hold::kNull);
    }
    membership = Hold::kNone;
    membership_blocking = false;
    phase = Phase::kLockingToChange;
    lock({}, Hold::kExclusive);
}

void Set::Impl::change_locked(const Locked& input) {
    value_state = input.state;
    value = input.value;
    phase = Phase::kReadingToChange;
    waiting_for = 1;  // this function
    for (DeviceIndex i = 0; i < devices.size(); ++i) {
        devices[i].label.reset();
        if (!devices[i].suspect && !devices[i].name.empty()) {
            ++waiting_for;
            ask(i, Purpose::kLabelForChange, 0, ReadLabel{{}, i});
        }
    }
    if (options.witnessed) {
        ++waiting_for;
        ask(0, Purpose::kWitnessRead, 0, ReadWitness{});
    }
    if (--waiting_for == 0) {
        decide_change();
    }
}

void Set::Impl::on(const LabelRead& input) {
    const auto op = finish(input.op, Outcome::kOk);
    if (!op) {
        return;
    }
    auto& device = devices[op->device];
    const bool ours = input.label && input.label->set == options.set;
    device.room_blocks = ours ? std::max(input.room_blocks, input.label->layout.member_blocks) : 0;
    if (op->purpose == Purpose::kRoom) {
        room_told();
        return;
    }
    device.label = ours ? input.label : std::nullopt;
    if (ours) {
        device.life = input.life;
        device.member = input.label->member;
    } else if (input.label) {
        device.member = {};
    }
    if (op->purpose == Purpose::kLabelForChange && phase == Phase::kReadingToChange) {
        if (--waiting_for == 0) {
            decide_change();
        }
    } else if (op->purpose == Purpose::kLabelForAddition) {
        label_for_addition();
    } else if (op->purpose == Purpose::kLabelForAdoption && phase == Phase::kAdopting) {
        if (--waiting_for == 0) {
            label_for_adoption();
        }
    }
}

void Set::Impl::on(const WitnessRead& input) {
    if (finish(input.op, Outcome::kOk) && phase == Phase::kReadingToChange) {
        witness = input.witness;
        if (--waiting_for == 0) {
            decide_change();
        }
    }
}

// The label that the change starts from.
const Label* Set::Impl::basis(std::string& why) {
    if (value_state == ValueState::kValid) {
        if (has_current && now_current.generation == value.generation) {
            return &now_current;
        }
        for (const auto& device : devices) {
            if (device.label && device.label->lineage == value.lineage &&
                device.label->generation == value.generation) {
                return &*device.label;
            }
        }
        // A change that came to nothing has overwritten it, where it could: as if nobody knew.
        value_state = ValueState::kInvalid;
    }
    MountQuestion question;
    question.set = options.set;
    question.witness = witness;
    question.accept_loss = options.accept_loss && !has_current;
    for (const auto& device : devices) {
        question.disks.push_back({device.name, device.label, "cannot be read"});
    }
    const auto plan = plan_mount(question);
    why = plan.to_string();
    forking = plan.new_lineage;
    return plan.allowed ? &*devices[*plan.authority].label : nullptr;
}

// Whether its disk can be read and has what the basis says it has.
bool Set::Impl::is_present(const LabelMember& member, const Label& base) const {
    return std::ranges::any_of(devices, [&](const Device& device) {
        if (!device.label || device.suspect || device.label->member != member.id ||
            device.label->lineage != base.lineage) {
            return false;
        }
        const auto& generation = device.label->generation;
        if (value_state == ValueState::kValid) {
            return generation == base.generation || generation.number > base.generation.number;
        }
        const auto* own = device.label->find(member.id);
        return generation == base.generation || (generation.number < base.generation.number &&
                                                 is_source(member.role) && is_source(own->role));
    });
}

void Set::Impl::apply_wishes(Label& label, const Label& base, bool all_lives_lost) {
    const auto number = label.generation.number;
    bool source_kept = false;
    for (auto& member : label.members) {
        if (member.role == Role::kExpelled) {
            continue;
        }
        const auto device = std::ranges::find(devices, member.id, &Device::member);
        const bool same_life = device != devices.end() && device->life == member.life;
        bool stays = is_present(member, base) && !expel.contains(member.id);
        if (stays && base.clean && !same_life) {
            member.life = device->life;  // all was flushed when the last opener left
        }
        const bool lost = !base.clean && (all_lives_lost || !same_life);
        if (stays && lost && !mutated("ignore_life")) {
            // Every source lost power: they are equal but for the regions that are hot. But where
            // somebody still has the set mounted, what he wrote is not known here: one stays, and
            // copies, which may have what it lost, do not.
            stays = all_lives_lost &&
                    (value_state == ValueState::kFresh || (!source_kept && is_source(member.role)));
        }
        if (!stays) {
            expel_member(member);
            continue;
        }
        const bool anew = is_target(member.role) && copy_anew.contains(member.id);
        if (lost || anew) {
            // What it did in its last life does not count; but what the fence says was flushed, and
            // where openers were writing is merged before anybody reads.
            const bool fenced = !anew && all_lives_lost && value_state == ValueState::kFresh;
            member.life = device->life;
            member.since = number;
            member.fence = fenced ? member.fence : 0;
        }
        source_kept |= is_source(member.role);
        const bool copied = target == member.id && member.since == target_since;
        if (copied && promote == member.id && is_target(member.role) && !is_merge_due()) {
            member.role = Role::kFull;
            member.since = number;
            member.fence = 0;
        } else if (copied && fence_wanted()) {
            member.fence = publishing.fence;
        }
    }
    add_member(label, base);
    settle_changes(label);
}

// Out, in generation `next`. The others keep in mind what it lacks if it has, or may soon have,
// what they have; then its disk tells by the stint that it left.
void Set::Impl::expel_member(LabelMember& member) {
    const auto before = std::ranges::find(base_members, member.id, &LabelMember::id);
    const bool kept = before != base_members.end() && !whole_copy.contains(member.id) && !forking &&
                      (is_source(before->role) || before->role == Role::kMinicopy);
    member.role = Role::kExpelled;
    member.fence = kept ? before->since : 0;
    member.since = next.generation.number;
}

void Set::Impl::add_member(Label& label, const Label& base) {
    if (!add || !devices[*add].label || !devices[*add].locked) {
        return;
    }
    auto& device = devices[*add];
    auto it = std::ranges::find(label.members, device.member, &LabelMember::id);
    if (it == label.members.end() && label.members.size() < kMaxMembers) {
        it = label.members.insert(it, LabelMember{device.member, Role::kExpelled, 0, 0, 0});
    }
    if (it != label.members.end() && it->role == Role::kExpelled &&
        device.room_blocks >= label.set_blocks) {
        const bool kept = changes_are_kept(base, *device.label) && !forking;
        *it = {device.member, kept ? Role::kMinicopy : Role::kCopy, label.generation.number, 0,
               device.life};
    }
}

// A change map is kept as long as somebody may need it.
void Set::Impl::settle_changes(Label& label) const {
    const bool needed = std::ranges::any_of(label.members, [](const LabelMember& member) {
        return member.role == Role::kMinicopy ||
               (member.role == Role::kExpelled && member.fence != 0);
    });
    if (!needed) {
        label.changes_since = 0;
    } else if (label.changes_since == 0) {
        label.changes_since = label.generation.number;
    }
}

void Set::Impl::decide_change() {
    std::string why;
    forking = false;
    const auto* base = basis(why);
    if (base == nullptr) {
        give_up(why);
        return;
    }
    next = *base;
    auto number = base->generation.number;
    for (const auto& device : devices) {
        number = device.label ? std::max(number, device.label->generation.number) : number;
    }
    if (witness.word) {
        number = std::max(number, witness.word->generation.number);
    }
    if (!mutated("reuse_number")) {
        number = std::max({number, witness.reserved, tried});
    }
    next.generation = {number + 1, random.next()};
    const bool all_lives_lost = std::ranges::none_of(base->members, [&](const auto& member) {
        const auto device = std::ranges::find(devices, member.id, &Device::member);
        return is_source(member.role) && is_present(member, *base) && !expel.contains(member.id) &&
               device->life == member.life;
    });
    base_members = base->members;
    apply_wishes(next, *base, all_lives_lost);
    const bool any_source = std::ranges::any_of(
        next.members, [](const auto& member) { return is_source(member.role); });
    if (!any_source) {
        give_up("no source would be left");
        return;
    }
    if (may_grow(*base, next)) {
        next.set_blocks = expansion->to;
    }
    if (forking) {
        fork_lineage();
    }
    // A clean label is never left on a disk that is written again.
    const bool same = next.members == base_members && next.set_blocks == base->set_blocks;
    if (same && value_state == ValueState::kValid &&
        (!base->clean || mutated("leave_clean_label"))) {
        next.generation = base->generation;
        finish_change();
        return;
    }
    reserve_generation();
}

// Members of the old lineage that come back later, newer or not, know nothing of the new one.
void Set::Impl::fork_lineage() {
    next.forks.insert(next.forks.begin(), Fork{next.lineage, next.generation.number - 1});
    next.forks.resize(std::min(next.forks.size(), kMaxForks));
    if (!mutated("keep_lineage")) {
        next.lineage = {random.next(), random.next()};
    }
}

// A change that fails leaves its number on some disks, which perhaps nobody can read by the next.
void Set::Impl::reserve_generation() {
    tried = next.generation.number;
    if (options.witnessed) {
        phase = Phase::kReserving;
        ask(0, Purpose::kReserve, next.generation.id, ReserveGeneration{{}, tried});
    } else {
        write_labels();
    }
}

void Set::Impl::write_labels() {
    phase = Phase::kWritingLabels;
    label_failed = false;
    next.clean = false;
    next.mounted_epoch = moment.lease.epoch;
    waiting_for = 0;
    for (DeviceIndex i = 0; i < devices.size(); ++i) {
        auto& device = devices[i];
        const auto* member = next.find(device.member);
        if (member == nullptr || member->role == Role::kExpelled || !device.label) {
            continue;
        }
        ++waiting_for;
        const bool is_new = is_target(member->role) && member->since == next.generation.number &&
                            member->fence == 0;
        if (is_new) {
            ask(i, Purpose::kClearLog, next.generation.id, ClearLog{{}, i});
        } else {
            label_for_change(i);
        }
    }
}

void Set::Impl::label_for_change(DeviceIndex i) {
    auto label = next;
    label.member = devices[i].member;
    label.layout = devices[i].label->layout;
    label.layout.member_blocks = std::max(label.layout.member_blocks, devices[i].room_blocks);
    label.sequence = ++devices[i].label->sequence;
    ask(i, Purpose::kWriteLabel, next.generation.id, WriteLabel{{}, i, std::move(label)});
}

void Set::Impl::label_written(const Op& op, Outcome outcome) {
    if (phase != Phase::kWritingLabels || op.owner != next.generation.id) {
        return;
    }
    if (outcome == Outcome::kOk && op.purpose == Purpose::kClearLog) {
        label_for_change(op.device);
        return;
    }
    if (outcome != Outcome::kOk) {
        devices[op.device].suspect = true;
        expel.insert(devices[op.device].member);
        label_failed = true;
    }
    if (--waiting_for > 0) {
        return;
    }
    if (label_failed) {
        // Without those that failed, under another number.
        next.generation = {next.generation.number + 1, random.next()};
        bool any_source = false;
        for (auto& member : next.members) {
            if (member.role != Role::kExpelled && expel.contains(member.id)) {
                expel_member(member);
            }
            any_source |= is_source(member.role);
        }
        settle_changes(next);
        if (any_source) {
            reserve_generation();
        } else {
            give_up("no source can be written");
        }
        return;
    }
    if (options.witnessed && !mutated("skip_witness")) {
        phase = Phase::kWritingWitness;
        ask(0, Purpose::kWriteWitness, next.generation.id,
            WriteWitness{{}, {next.lineage, next.generation}});
        return;
    }
    finish_change();
}

void Set::Impl::witness_written() {
    if (phase == Phase::kWritingWitness) {
        finish_change();
    }
}

void Set::Impl::finish_change() {
    recover = false;
    adopt(next);
    if (add && devices[*add].locked) {
        const auto* member = now_current.find(devices[*add].member);
        const bool added = member != nullptr && member->role != Role::kExpelled;
        if (!added) {
            refuse(*add, "cannot be added, it is too small or there are too many members: " +
                             devices[*add].name);
        }
        devices[*add].locked = added;
        lock({LockKind::kMember, devices[*add].member.low}, added ? Hold::kShared : Hold::kNone);
        add.reset();
    }
    phase = Phase::kWaitingShared;
    out.emplace_back(Lock{{}, Hold::kShared, false, WitnessWord{next.lineage, next.generation}});
}

bool Set::Impl::labels_may_land() const {
    return std::ranges::any_of(devices,
                               [](const Device& device) { return !device.late_labels.empty(); });
}

// Nothing was changed that has effect: others may try, and so does this opener after a while. The
// last source is never expelled; perhaps it answers again. But a label that it has not written yet
// must not land after that of the next change.
void Set::Impl::give_up(const std::string& why) {
    if (labels_may_land() && !mutated("overtake_label")) {
        phase = Phase::kGivingUp;
        why_given_up = why;
        return;
    }
    if (mounted) {
        note("the membership cannot be changed: " + why);
    } else {
        out.emplace_back(MountRefused{why});
    }
    expel.clear();
    for (auto& device : devices) {
        device.suspect = device.closing && device.suspect;
    }
    for (auto& [id, op] : ops) {
        op.late = false;
        op.started = moment.now;
    }
    wake_at(moment.now + options.member_timeout);
    recover = true;  // look at all of them anew
    membership = Hold::kNone;
    lock({}, Hold::kNull);
    phase = Phase::kResting;
    rest_until = moment.now + options.retry_after;
    wake_at(rest_until);
}

}  // namespace quorate::shadowing
