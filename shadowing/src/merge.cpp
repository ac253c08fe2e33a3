#include <algorithm>

#include "set_impl.hpp"

// What a lost opener left: the regions that its slot of the write-intent log names are reconciled
// by whoever gets its slot's lock; until then every read in them compares (fix-on-read).
namespace quorate::shadowing {

void Set::Impl::start_mount_slots() {
    slots_read = true;
    for (std::uint16_t i = 0; i < now_current.layout.openers; ++i) {
        auto& one = pending[OpenerSlot(i)];
        one.own = OpenerSlot(i) == options.slot;
        one.held |= one.own;
        one.probing = !one.own && !one.asked;
    }
}

void Set::Impl::opener_lost(const OpenerLost& lost) {
    auto& one = pending[lost.slot];
    if (!one.asked) {
        Pending anew;
        if (one.best) {
            anew.lost.insert(one.best->opener);
        }
        one = std::move(anew);
        one.asked = true;
        lock({LockKind::kSlot, lost.slot.value()}, Hold::kWork);
    }
    if (mutated("believe_slot")) {
        one.lost.clear();
    }
    one.lost.insert(lost.opener);
    one.seen.reset();
    if (!one.held) {
        one.known = false;
    }
}

bool Set::Impl::is_merging(Extent extent) const {
    if (pending.empty()) {
        return false;
    }
    const auto shift = now_current.layout.region_shift;
    return std::ranges::any_of(pending, [&](const auto& entry) {
        const auto& one = entry.second;
        if (one.probing) {
            return false;
        }
        const auto it = one.regions.lower_bound(static_cast<std::uint32_t>(extent.lbn >> shift));
        return !one.known || (it != one.regions.end() && *it <= (extent.end() - 1) >> shift);
    });
}

void Set::Impl::read_slot(OpenerSlot slot, Pending& one) {
    one.state = Pending::State::kReading;
    one.best.reset();
    one.answered = false;
    one.reading = 0;
    one.round = ++slot_rounds;
    for (const auto& [member, device] : current(true, false)) {
        if (!devices[device].suspect) {
            ++one.reading;
            ask(device, Purpose::kSlot, one.round << 16 | slot.value(),
                ReadIntent{{}, device, slot});
        }
    }
    if (one.reading == 0) {
        one.state = Pending::State::kWaiting;
    }
}

void Set::Impl::on(const IntentRead& input) {
    if (const auto op = finish(input.op, input.outcome)) {
        if (op->purpose == Purpose::kLogCheck) {
            log_checked(*op, input.outcome, input);
        } else if (op->purpose == Purpose::kChanges) {
            changes_read(*op, input);
        } else {
            slot_read(*op, input.outcome, input);
        }
    }
}

void Set::Impl::slot_read(const Op& op, Outcome outcome, const IntentRead& input) {
    const OpenerSlot slot(static_cast<std::uint16_t>(op.owner));
    const auto it = pending.find(slot);
    if (it == pending.end() || it->second.state != Pending::State::kReading ||
        it->second.round != op.owner >> 16) {
        return;  // what was read before somebody was lost does not count
    }
    auto& one = it->second;
    if (outcome == Outcome::kFailed) {
        if (is_current(op)) {
            suspect(op.device, "its write-intent log cannot be read");
        }
    } else if (is_current(op)) {
        auto block = choose_intent(input.blocks, options.set, slot);
        if (block) {
            one.answered = true;
            if (*block && (!one.best || (*block)->sequence > one.best->sequence)) {
                one.best = std::move(*block);
            }
        }
    }
    if (--one.reading > 0) {
        return;
    }
    one.state = Pending::State::kWaiting;
    if (one.answered) {
        slot_known(slot, one);
    }
}

void Set::Impl::slot_known(OpenerSlot slot, Pending& one) {
    one.known = true;
    one.regions.clear();
    one.again_at = moment.now + options.retry_after;
    wake_at(one.again_at);
    const bool merged = is_merged_by_another(one);
    if (one.best && !merged) {
        one.regions.insert(one.best->regions.begin(), one.best->regions.end());
    }
    if (!one.regions.empty() || (one.spread_anew && one.best && !merged)) {
        if (one.probing && one.regions.empty()) {
            // At once or not at all: an opener that mounts has it, and waits for nobody here.
            out.emplace_back(
                Lock{{LockKind::kSlot, slot.value()}, Hold::kWork, true, std::nullopt});
        } else if (one.probing) {
            out.emplace_back(
                Lock{{LockKind::kSlot, slot.value()}, Hold::kShared, true, std::nullopt});
        } else if (one.held) {
            begin_merge(one);
        }
        return;
    }
    if (one.own) {
        // Until here others had to take the slot's opener for lost, and compared too.
        one.state = Pending::State::kDone;
        lock({LockKind::kSlot, slot.value()}, Hold::kExclusive);
        return;
    }
    if (one.asked) {
        lock({LockKind::kSlot, slot.value()}, Hold::kNone);
    }
    pending.erase(slot);
}

// A later opener of the slot writes there only when it has merged what it found. But what is there
// may be of an earlier one, if those after it were lost before they wrote anything: the dead write
// no more.
bool Set::Impl::is_merged_by_another(Pending& one) {
    if (!one.asked || one.held || !one.best || one.lost.contains(one.best->opener)) {
        return false;
    }
    if (mutated("believe_slot")) {
        return true;
    }
    const auto before = one.seen.value_or(one.best->sequence);
    one.seen = before;
    return one.best->sequence != before;
}

void Set::Impl::own_slot_clean() {
    const auto it = pending.find(options.slot);
    const auto& best = it->second.best;
    intent.emplace(
        IntentOptions{options.set, options.slot, options.opener, now_current.layout.region_shift,
                      now_current.set_blocks, options.hot_max, options.clear_after},
        best);
    intent->keep_changes(now_current.changes_since, now_current.set_blocks);
    if (now_current.changes_since != 0) {
        intent->refresh();  // somebody may have come who has not the map
    }
    pending.erase(it);
}

void Set::Impl::begin_merge(Pending& one) {
    one.state = Pending::State::kMerging;
    pacer_of(Work::kMerge).begin(moment.now);
    one.left.clear();
    one.jobs = 0;
    const auto region_blocks = std::uint64_t{1} << now_current.layout.region_shift;
    for (const auto region : one.regions) {
        const auto end = std::min((region + 1) * region_blocks, now_current.set_blocks);
        for (auto lbn = region * region_blocks; lbn < end; lbn += options.chunk_blocks) {
            one.left.push_back({lbn, std::min(options.chunk_blocks, end - lbn)});
        }
    }
    std::ranges::reverse(one.left);
}

void Set::Impl::merge_chunk_done(OpenerSlot slot) {
    if (const auto it = pending.find(slot); it != pending.end()) {
        --it->second.jobs;
    }
}

void Set::Impl::progress_merge(OpenerSlot slot, Pending& one) {
    // Whether somebody else has merged it meanwhile?
    const bool looks_again = one.asked && !one.held && one.again_at <= moment.now;
    if (one.state == Pending::State::kWaiting && (!one.known || looks_again)) {
        read_slot(slot, one);
    } else if (one.asked && !one.held) {
        wake_at(std::max(one.again_at, moment.now + options.retry_after));
    }
    if (one.state == Pending::State::kMerging) {
        while (!one.left.empty() && one.jobs < jobs_allowed(Work::kMerge, one.jobs)) {
            Job job;
            job.extent = one.left.back();
            job.targets = true;
            job.slot = slot;
            add_job(std::move(job));
            one.left.pop_back();
            ++one.jobs;
        }
        if ((one.left.empty() && one.jobs == 0) || mutated("clear_unmerged")) {
            one.state = Pending::State::kFlushing;
            one.flush_round = mutated("clear_unflushed") ? 0 : want_flush();
        }
    }
    if (one.state == Pending::State::kFlushing && flushed_rounds >= one.flush_round &&
        copy_anew.empty()) {
        one.state = Pending::State::kClearing;
        one.clearing = cleared(*one.best);
        one.members = {};
    }
}

// Names no region. What a member that is away lacks is kept.
IntentBlock Set::Impl::cleared(IntentBlock block) const {
    ++block.sequence;
    const auto regions = std::exchange(block.regions, {});
    const auto shift = changed_shift_for(now_current.set_blocks, block.region_shift);
    begin_changes(block, now_current.changes_since, shift);
    if (block.changes_since != 0 && !mutated("clear_changes")) {
        for (const auto region : regions) {
            mark_changed(block, region);
        }
    }
    return block;
}

void Set::Impl::progress_merges() {
    std::vector<OpenerSlot> cleared;
    for (auto& [slot, one] : pending) {
        progress_merge(slot, one);
        if (one.state == Pending::State::kClearing &&
            spread(one.members, current(true, true), [&](DeviceIndex device) {
                ask(device, Purpose::kClearSlot, slot.value(),
                    WriteIntent{{}, device, *one.clearing});
            })) {
            cleared.push_back(slot);
        }
    }
    for (const auto slot : cleared) {
        auto& one = pending.at(slot);
        one.best = one.clearing;
        one.spread_anew = false;
        slot_known(slot, one);
    }
    const bool open = std::ranges::any_of(
        pending, [](const auto& entry) { return entry.second.own || entry.second.probing; });
    if (!mounted && slots_read && !open && intent) {
        mounted = true;
        out.emplace_back(Mounted{now_current.set_blocks});
        admit_blocked();
    }
}

}  // namespace quorate::shadowing
