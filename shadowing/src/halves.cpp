#include "set_impl.hpp"

// A stretch that no source can read as a whole: of each block perhaps one can.
namespace quorate::shadowing {

void Set::Impl::unreadable_job(std::uint64_t id, Job& job) {
    if (job.extent.blocks > 1) {
        halve_job(id, job);
        return;
    }
    if (job.slot && !mutated("keep_fence")) {
        // A lost opener was writing here. Nobody knows what a source will say when it can be read
        // again, so no target has it, whatever its fence says.
        for (const auto& [member, device] : current(false, true)) {
            if (job.extent.lbn < member->fence) {
                copy_anew.insert(member->id);
            }
        }
    }
    end_job(id, job, ReplyStatus::kUnreadable);
}

void Set::Impl::halve_job(std::uint64_t id, Job& job) {
    job.state = Job::State::kHalved;
    job.halves = 2;
    job.half_unreadable = false;
    const auto first = job.extent.blocks / 2;
    const Extent extents[] = {{job.extent.lbn, first},
                              {job.extent.lbn + first, job.extent.blocks - first}};
    for (const auto& extent : extents) {
        Job half;
        half.extent = extent;
        half.sources = job.sources;
        half.targets = job.targets;
        half.needs_stall = job.needs_stall;
        half.slot = job.slot;
        half.copy = job.copy;
        half.scrub = job.scrub;
        half.whole = id;
        const auto half_id = add_job(std::move(half));
        begin_job(half_id, jobs.at(half_id));
    }
}

// Whoever wants to read the stretch reads it now: what one source could not read was mended.
void Set::Impl::half_done(std::uint64_t whole, ReplyStatus status) {
    const auto it = jobs.find(whole);
    if (it == jobs.end()) {
        return;
    }
    auto& job = it->second;
    job.half_unreadable |= status != ReplyStatus::kOk;
    if (--job.halves > 0) {
        return;
    }
    if (job.half_unreadable) {
        end_job(whole, job, ReplyStatus::kUnreadable);
    } else if (job.readers.empty()) {
        end_job(whole, job, ReplyStatus::kOk);
    } else {
        job.unreadable.reset();
        job.state = Job::State::kWaiting;
    }
}

}  // namespace quorate::shadowing
