#include <algorithm>

#include "set_impl.hpp"

// Leaving the set in order.
namespace quorate::shadowing {

void Set::Impl::on(const Dismount&) {
    if (!dismounting) {
        dismounting.emplace();
    }
}

bool Set::Impl::is_drained() const {
    const bool flushing = flush && !flush->requests.empty();
    return reads.empty() && writes.empty() && jobs.empty() && flush_waiting.empty() && !flushing;
}

void Set::Impl::progress_dismount() {
    if (dismounting->state != Dismounting::State::kDraining) {
        return;
    }
    if (!mounted) {
        // Not yet: what was asked for is not begun. A change that is under way is seen through.
        if (phase == Phase::kResting || phase == Phase::kActive) {
            for (const auto& [id, read] : reads) {
                out.emplace_back(Reply{id, ReplyStatus::kUnavailable, {}});
            }
            for (const auto& [id, write] : writes) {
                out.emplace_back(Reply{id, ReplyStatus::kUnavailable, {}});
            }
            for (const auto& one : flush_waiting) {
                out.emplace_back(Reply{one.request, ReplyStatus::kUnavailable, {}});
            }
            leave(/*clean=*/false);
        }
        return;
    }
    if (!is_active() || !is_drained()) {
        return;
    }
    if (dismounting->flush == 0) {
        intent->close();
        dismounting->flush = want_flush();
        progress_flush();
        progress_intent();
    }
    if (flushed_rounds < dismounting->flush || flush || !intent->closed() || change_wanted()) {
        return;
    }
    if (!pending.empty()) {
        leave(/*clean=*/false);  // somebody has to merge, now or at the next mount
        return;
    }
    phase = Phase::kDismounting;
    dismounting->state = Dismounting::State::kLockingMembership;
    out.emplace_back(Lock{{}, Hold::kExclusive, /*no_wait=*/true, {}});
}

// Whoever waits for the membership lock holds nothing of it: only the slots tell who is there.
void Set::Impl::probe_other_openers() {
    dismounting->state = Dismounting::State::kProbing;
    auto& slot = dismounting->probing;
    slot = slot == options.slot.value() ? static_cast<std::uint16_t>(slot + 1) : slot;
    if (slot >= now_current.layout.openers || mutated("clean_among_others")) {
        write_clean_labels();
        return;
    }
    out.emplace_back(Lock{{LockKind::kSlot, slot}, Hold::kExclusive, /*no_wait=*/true, {}});
}

void Set::Impl::other_opener_probed(bool gone) {
    if (gone) {
        ++dismounting->probing;
        probe_other_openers();
    } else {
        leave(/*clean=*/false);
    }
}

void Set::Impl::write_clean_labels() {
    dismounting->state = Dismounting::State::kWritingLabels;
    dismounting->waiting = 1;  // this function
    for (const auto& [member, i] : current(true, true)) {
        auto& device = devices[i];
        if (!device.label || device.suspect) {
            dismounting->failed = true;
            continue;
        }
        auto label = now_current;
        label.clean = true;
        label.mounted_epoch = moment.lease.epoch;
        label.member = device.member;
        label.layout = device.label->layout;
        label.sequence = ++device.label->sequence;
        ++dismounting->waiting;
        ask(i, Purpose::kCleanLabel, 0, WriteLabel{{}, i, std::move(label)});
    }
    clean_label_written(true);
}

void Set::Impl::clean_label_written(bool ok) {
    dismounting->failed |= !ok;
    if (--dismounting->waiting == 0) {
        leave(!dismounting->failed);
    }
}

void Set::Impl::leave(bool clean) {
    phase = Phase::kDismounting;
    dismounting->state = Dismounting::State::kClosing;
    dismounting->clean = clean;
    for (DeviceIndex i = 0; i < devices.size(); ++i) {
        auto& device = devices[i];
        if (device.locked && !device.closing) {
            device.closing = true;
            out.emplace_back(CloseDevice{i});
        }
    }
    release_all();
}

// When nothing that was asked for can take effect any more.
void Set::Impl::release_all() {
    if (std::ranges::any_of(devices, [](const Device& device) { return device.closing; })) {
        return;
    }
    for (const auto& device : devices) {
        if (device.locking || device.locked) {
            lock({LockKind::kMember, device.member.low}, Hold::kNone);
        }
    }
    std::set<OpenerSlot> slots;
    for (const auto& [slot, one] : pending) {
        slots.insert(slot);
    }
    for (std::uint16_t slot = 0; slot < dismounting->probing; ++slot) {
        slots.insert(OpenerSlot(slot));
    }
    slots.erase(options.slot);
    for (const auto slot : slots) {
        lock({LockKind::kSlot, slot.value()}, Hold::kNone);
    }
    for (const auto kind : {LockKind::kStall, LockKind::kCopy, LockKind::kScrub, LockKind::kExpand,
                            LockKind::kMembership}) {
        lock({kind, 0}, Hold::kNone);
    }
    lock({LockKind::kSlot, options.slot.value()}, Hold::kNone);
    out.emplace_back(Dismounted{dismounting->clean});
    dead = true;
}

}  // namespace quorate::shadowing
