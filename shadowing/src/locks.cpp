#include <algorithm>

#include "set_impl.hpp"

// The set's locks: what a grant, a denial or a waiter means.
namespace quorate::shadowing {

void Set::Impl::on(const Locked& input) {
    switch (input.lock.kind) {
        case LockKind::kMembership:
            if (dismounting && dismounting->state == Dismounting::State::kLockingMembership) {
                probe_other_openers();
            } else if (input.hold == Hold::kExclusive && phase == Phase::kLockingToChange) {
                membership = Hold::kExclusive;
                change_locked(input);
            } else if (input.hold == Hold::kShared && phase == Phase::kWaitingShared) {
                membership = Hold::kShared;
                if (input.state != ValueState::kValid) {
                    recover = true;
                    begin_change();
                } else if (has_current && input.value.generation == now_current.generation) {
                    go_active();
                } else {
                    begin_adoption(input.value);
                }
            }
            return;
        case LockKind::kSlot:
            slot_locked(OpenerSlot(static_cast<std::uint16_t>(input.lock.number)), input.hold);
            return;
        case LockKind::kStall:
            stall = input.hold;
            stall_asked = false;
            stall_blocking = false;
            return;
        case LockKind::kMember:
            for (auto& device : devices) {
                if (device.member.low == input.lock.number) {
                    device.locking = false;
                    device.locked = true;
                }
            }
            return;
        case LockKind::kCopy:
            copying = input.hold;
            copy_asked = false;
            return;
        case LockKind::kScrub:
            scrub.lock = input.hold;
            scrub.next_at = moment.now + options.scrub_every;
            return;
        case LockKind::kExpand:
            if (expansion) {
                expansion->locked = true;
            }
            return;
    }
}

void Set::Impl::slot_locked(OpenerSlot slot, Hold hold) {
    if (slot == options.slot) {
        if (hold == Hold::kWork) {
            begin_change();
        } else {
            own_slot_clean();
        }
        return;
    }
    if (dismounting && dismounting->state == Dismounting::State::kProbing) {
        other_opener_probed(/*gone=*/true);
        return;
    }
    const auto it = pending.find(slot);
    if (it == pending.end()) {
        lock({LockKind::kSlot, slot.value()}, Hold::kNone);
        return;
    }
    auto& one = it->second;
    if (hold != Hold::kShared) {
        one.held = true;
        one.known = false;
        if (one.probing) {
            one.probing = false;
            one.asked = true;
            one.lost.insert(one.best->opener);
        }
    } else if (one.probing) {
        one.spread_anew = false;  // merging it writes it anew; so does its next opener
        one.probing = false;
        one.known = false;
        one.asked = true;
        one.lost.insert(one.best->opener);
        lock({LockKind::kSlot, slot.value()}, Hold::kWork);
    }
}

void Set::Impl::on(const LockDenied& input) {
    if (dismounting && dismounting->state == Dismounting::State::kLockingMembership) {
        leave(/*clean=*/false);
        return;
    }
    if (dismounting && dismounting->state == Dismounting::State::kProbing) {
        other_opener_probed(/*gone=*/false);
        return;
    }
    const auto it = pending.find(OpenerSlot(static_cast<std::uint16_t>(input.lock.number)));
    if (input.lock.kind == LockKind::kSlot && it != pending.end() && it->second.probing) {
        pending.erase(it);  // it lives
    }
}

void Set::Impl::on(const Blocking& input) {
    if (input.lock.kind == LockKind::kMembership) {
        membership_blocking = true;
    } else if (input.lock.kind == LockKind::kStall) {
        stall_blocking = true;
    }
}

void Set::Impl::on(const DeviceClosed& input) {
    auto& device = devices[input.device];
    if (device.closing) {
        device.closing = false;
        device.locked = false;
        device.suspect = false;
        device.late_labels.clear();
        lock({LockKind::kMember, device.member.low}, Hold::kNone);
    }
    if (dismounting && dismounting->state == Dismounting::State::kClosing) {
        release_all();
    }
}

void Set::Impl::on(const OpenerLost& input) {
    if (input.slot != options.slot) {
        opener_lost(input);
    }
}

void Set::Impl::on(const Start&) {
    QUORATE_ASSERT(phase == Phase::kStopped);
    phase = Phase::kLockingSlot;
    lock({LockKind::kSlot, options.slot.value()}, Hold::kWork);
}

void Set::Impl::on(const Tick&) {}

}  // namespace quorate::shadowing
