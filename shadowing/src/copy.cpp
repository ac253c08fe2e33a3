#include <algorithm>

#include <fmt/format.h>

#include "set_impl.hpp"

// The copy of a new member, and what must hold before it becomes a source.
namespace quorate::shadowing {

void Set::Impl::progress_copy() {
    if (dismounting) {
        return;
    }
    const auto targets = current(false, true);
    if (targets.empty() || !options.volunteers) {
        if (copying == Hold::kExclusive) {
            lock({LockKind::kCopy, 0}, Hold::kNone);
            copying = Hold::kNone;
        }
        target.reset();
        return;
    }
    if (copying == Hold::kNone) {
        if (!copy_asked) {
            lock({LockKind::kCopy, 0}, Hold::kExclusive);
            copy_asked = true;
        }
        return;
    }
    const auto same = std::ranges::find_if(targets, [&](const Current& one) {
        return one.member->id == target && one.member->since == target_since;
    });
    if (same == targets.end()) {
        begin_copy(*targets.front().member);
    }
    const auto copy = [&](Extent extent) {
        Job job;
        job.extent = extent;
        job.sources = is_merging(extent);
        job.targets = true;
        job.copy = true;
        add_job(std::move(job));
        ++copy_jobs;
    };
    if (copy_again_at <= moment.now) {
        std::ranges::for_each(std::exchange(copy_unreadable, {}), copy);
    }
    if (now_current.find(*target)->role == Role::kMinicopy && !changes.known) {
        read_changes();
        return;
    }
    while (copy_jobs < jobs_allowed(Work::kCopy, copy_jobs)) {
        const auto extent = next_to_copy();
        if (extent.blocks == 0) {
            break;
        }
        copy(extent);
        copy_next = extent.end();
    }
    progress_fence();
    if (copy_next == now_current.set_blocks && copy_jobs == 0 && copy_unreadable.empty() &&
        !promote && !is_merge_due()) {
        if (copy_flush == 0) {
            copy_flush = mutated("promote_unflushed") ? flushed_rounds : want_flush();
        }
        if (flushed_rounds >= copy_flush) {
            check_logs();
        }
    }
}

void Set::Impl::begin_copy(const LabelMember& member) {
    target = member.id;
    target_since = member.since;
    copy_next = member.fence;
    pacer_of(Work::kCopy).begin(moment.now);
    copy_unreadable.clear();
    copy_flush = 0;
    log_check = {.round = log_check.round + 1};
    changes = {.round = changes.round + 1};
    publishing = {};
    publish_at = moment.now + options.publish_after;
    // Chunks of an earlier copy that are under way end: what they have asked for may still land.
}

// Nothing: all has been asked for.
Extent Set::Impl::next_to_copy() {
    const auto shift = now_current.layout.region_shift;
    auto end = now_current.set_blocks;
    if (changes.known && !changes.all && copy_next < end) {
        const auto region =
            changes.regions.lower_bound(static_cast<std::uint32_t>(copy_next >> shift));
        if (region == changes.regions.end()) {
            copy_next = end;
            return {copy_next, 0};
        }
        copy_next = std::max(copy_next, std::uint64_t{*region} << shift);
        end = std::min(end, (std::uint64_t{*region} + 1) << shift);
    }
    return {copy_next, copy_next < end ? std::min(options.chunk_blocks, end - copy_next) : 0};
}

// All below it is on the target.
std::uint64_t Set::Impl::copied_below() const {
    auto fence = copy_next;
    for (const auto& [id, job] : jobs) {
        fence = job.copy ? std::min(fence, job.extent.lbn) : fence;
    }
    for (const auto& extent : copy_unreadable) {
        fence = std::min(fence, extent.lbn);
    }
    return fence;
}

// Now and then all are told how far the copy is: whoever goes on with it begins there. What is
// below the fence was flushed before.
void Set::Impl::progress_fence() {
    const auto* member = now_current.find(*target);
    if (publishing.fence <= member->fence) {
        if (publish_at > moment.now || copied_below() <= member->fence || promote) {
            wake_at(std::max(publish_at, moment.now + options.retry_after));
            return;
        }
        publishing.fence = copied_below();
        publishing.flush = mutated("publish_unflushed") ? flushed_rounds : want_flush();
        publishing.ready = false;
        publish_at = moment.now + options.publish_after;
    }
    if (!publishing.ready && flushed_rounds >= publishing.flush) {
        publishing.ready = true;
        wake_at(moment.now);
    }
}

void Set::Impl::copy_chunk_done(Extent extent, ReplyStatus status) {
    --copy_jobs;
    if (status != ReplyStatus::kOk) {
        // As a source it would give out what it had there before.
        note(fmt::format("the copy cannot read blocks {} to {} anywhere", extent.lbn,
                         extent.end() - 1));
        copy_unreadable.push_back(extent);
        copy_again_at = moment.now + options.retry_after;
        wake_at(copy_again_at);
    }
}

// Every opener writes its hot regions anew when a member has come, each in its own time. A source
// without them would be a source that does not say where it may differ. So what one source says is
// read, then what the target says: none of it may be older. What is written afterwards goes to
// both.
void Set::Impl::check_logs() {
    if (log_check.state == LogCheck::State::kDone || log_check.waiting > 0 ||
        log_check.again_at > moment.now) {
        return;
    }
    const bool of_target = log_check.state == LogCheck::State::kTarget;
    const auto members = current(!of_target, of_target);
    const auto from = std::ranges::find_if(members, [&](const Current& member) {
        return !devices[member.device].suspect && (!of_target || member.member->id == target);
    });
    if (from == members.end()) {
        return;
    }
    const auto slots = now_current.layout.openers;
    if (!of_target) {
        log_check.needed.assign(slots, 0);
    }
    log_check.waiting = slots;
    log_check.behind = false;
    for (std::uint16_t slot = 0; slot < slots; ++slot) {
        ask(from->device, Purpose::kLogCheck, log_check.round << 16 | slot,
            ReadIntent{{}, from->device, OpenerSlot(slot)});
    }
}

void Set::Impl::log_checked(const Op& op, Outcome outcome, const IntentRead& input) {
    if (op.owner >> 16 != log_check.round) {
        return;  // of a copy that is not under way any more
    }
    const OpenerSlot slot(static_cast<std::uint16_t>(op.owner));
    auto& needed = log_check.needed.at(slot.value());
    if (outcome == Outcome::kFailed && is_current(op)) {
        suspect(op.device, "its write-intent log cannot be read");
    }
    const auto block = choose_intent(input.blocks, options.set, slot);
    const bool read = outcome == Outcome::kOk && block.has_value();
    if (log_check.state == LogCheck::State::kSource) {
        log_check.behind |= !read;
        const auto since = now_current.changes_since;
        const bool says =
            read && *block &&
            (!(*block)->regions.empty() || (since != 0 && (*block)->changes_since == since));
        needed = says ? (*block)->sequence : 0;
    } else if (needed > 0 && (!read || !*block || (*block)->sequence < needed)) {
        log_check.behind = true;
        if (slot != options.slot && !pending.contains(slot)) {
            // Perhaps nobody is there who would write it.
            auto& one = pending[slot];
            one.probing = true;
            one.spread_anew = true;
        }
    }
    if (--log_check.waiting > 0) {
        return;
    }
    if (log_check.behind && !mutated("promote_unspread")) {
        log_check.state = LogCheck::State::kSource;
        log_check.again_at = moment.now + options.retry_after;
        wake_at(log_check.again_at);
    } else if (log_check.state == LogCheck::State::kSource) {
        log_check.state = LogCheck::State::kTarget;
    } else {
        log_check.state = LogCheck::State::kDone;
        promote = target;
        note("a copy is finished");
    }
}

}  // namespace quorate::shadowing
