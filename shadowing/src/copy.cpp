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
        const auto& member = *targets.front().member;
        target = member.id;
        target_since = member.since;
        copy_next = member.fence;
        copy_unreadable.clear();
        copy_flush = 0;
        log_check = {.round = log_check.round + 1};
        for (auto it = jobs.begin(); it != jobs.end();) {
            it = it->second.copy ? jobs.erase(it) : std::next(it);
        }
        copy_jobs = 0;
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
    while (copy_next < now_current.set_blocks && copy_jobs < options.jobs_max) {
        copy({copy_next, std::min(options.chunk_blocks, now_current.set_blocks - copy_next)});
        copy_next += std::min(options.chunk_blocks, now_current.set_blocks - copy_next);
    }
    if (copy_next == now_current.set_blocks && copy_jobs == 0 && copy_unreadable.empty() &&
        !promote) {
        if (copy_flush == 0) {
            copy_flush = mutated("promote_unflushed") ? flushed_rounds : want_flush();
        }
        if (flushed_rounds >= copy_flush) {
            check_logs();
        }
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
        needed = read && *block && !(*block)->regions.empty() ? (*block)->sequence : 0;
    } else if (needed > 0) {
        log_check.behind |= !read || !*block || (*block)->sequence < needed;
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
