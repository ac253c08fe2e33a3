#include <algorithm>

#include "set_impl.hpp"

// Making a stretch equal on all members: merge, fix-on-read, repair, copy and scrub are all this.
//
// Read it from one source, the authority, and compare the others with that. Where sources differ,
// and go on differing (a write may have been under way), nobody may write while they are fixed: the
// stall lock. A target is written from what was read, and then all is read and compared again until
// nothing differs; no lock is needed for that above its fence, where every writer writes sources
// first.
namespace quorate::shadowing {
namespace {

constexpr std::uint32_t kComparesWithoutStall = 3;
// Nobody writes meanwhile: whoever differs all the same is of no use as a source.
constexpr std::uint32_t kMostFixes = 8;

}  // namespace

std::uint64_t Set::Impl::add_job(Job job) {
    const auto id = next_job++;
    jobs.emplace(id, std::move(job));
    return id;
}

void Set::Impl::restart_job(Job& job) {
    job.differs.reset();
    if (job.state != Job::State::kWaiting && job.state != Job::State::kHalved) {
        job.state = Job::State::kDraining;
        drain_job(job);
    }
}

// What it has asked of a member must have ended before anybody relies on the stretch; what a member
// that has left does with it, nobody cares.
void Set::Impl::drain_job(Job& job) {
    std::erase_if(job.ops, [&](OpId id) {
        const auto* member = member_of(ops.at(id).device);
        return member == nullptr || member->role == Role::kExpelled;
    });
    if (job.ops.empty()) {
        if (job.data) {
            drop(*job.data);
            job.data.reset();
        }
        job.state = Job::State::kWaiting;
    }
}

void Set::Impl::progress_jobs() {
    std::vector<std::uint64_t> ready;
    for (const auto& [id, job] : jobs) {
        if (job.state == Job::State::kWaiting && (!job.needs_stall || stall == Hold::kExclusive)) {
            ready.push_back(id);
        }
    }
    for (const auto id : ready) {
        const auto it = jobs.find(id);
        if (it == jobs.end()) {
            continue;
        }
        if (it->second.needs_stall && is_mended_already(id, it->second)) {
            wake_at(moment.now + options.retry_after);
        } else {
            begin_job(id, it->second);
        }
    }
}

// In one stall two that overlap might take different sources for right, as one has a bad place.
bool Set::Impl::is_mended_already(std::uint64_t id, const Job& job) const {
    return std::ranges::any_of(jobs, [&](const auto& entry) {
        const auto& [other_id, other] = entry;
        return other_id != id && other.needs_stall && other.state != Job::State::kWaiting &&
               other.state != Job::State::kHalved && other.extent.overlaps(job.extent);
    });
}

void Set::Impl::begin_job(std::uint64_t id, Job& job) {
    // Whoever has been a source for longest: a younger one was a target when clients may have seen
    // what is here.
    const auto sources = current(true, mutated("fix_from_any"));
    const Current* readable = nullptr;
    for (const auto& source : sources) {
        if (!job.unreadable[source.device] && !devices[source.device].suspect &&
            !job.outvoted[source.device] &&
            (readable == nullptr || source.member->since < readable->member->since ||
             mutated("fix_from_any"))) {
            readable = &source;
        }
    }
    if (readable == nullptr && job.outvoted.any()) {
        job.outvoted.reset();
        job.undecided = true;
        begin_job(id, job);
        return;
    }
    if (readable == nullptr) {
        if (std::ranges::all_of(
                sources, [&](const Current& source) { return job.unreadable[source.device]; })) {
            unreadable_job(id, job);
        }
        return;
    }
    job.authority = readable->device;
    job.begun_at = job.begun_at.value_or(moment.now);
    job.state = Job::State::kReading;
    job.ops.insert(ask(job.authority, Purpose::kJob, id, ReadData{{}, job.authority, job.extent}));
}

void Set::Impl::job_done(OpId id, const Op& op, Outcome outcome) {
    const auto it = jobs.find(op.owner);
    const bool has_data = outcome == Outcome::kOk && std::holds_alternative<ReadData>(op.output);
    if (it == jobs.end() || it->second.ops.erase(id) == 0) {
        if (has_data) {
            drop(id);
        }
        return;
    }
    auto& job = it->second;
    const auto* member = member_of(op.device);
    if (!job.slot && std::holds_alternative<WriteData>(op.output) && member != nullptr &&
        (outcome == Outcome::kFailed || outcome == Outcome::kUnreadable)) {
        whole_copy.insert(member->id);  // may differ where no log says so
    }
    if (!is_active() || !is_current(op) || outcome == Outcome::kFailed ||
        job.state == Job::State::kDraining) {
        if (has_data) {
            drop(id);
        }
        restart_job(job);
        return;
    }
    switch (job.state) {
        case Job::State::kWaiting:
        case Job::State::kDraining:
        case Job::State::kHalved:
            return;
        case Job::State::kReading:
            if (outcome == Outcome::kUnreadable) {
                job.unreadable.set(op.device);
                restart_job(job);
            } else {
                job.data = id;
                compare(it->first, job);
            }
            return;
        case Job::State::kComparing:
            if (outcome == Outcome::kUnreadable) {
                job.unreadable.set(op.device);
            }
            if (outcome != Outcome::kOk) {
                job.differs.set(op.device);
            }
            if (job.ops.empty()) {
                compared(it->first, job);
            }
            return;
        case Job::State::kFixing:
            if (outcome == Outcome::kUnreadable) {
                suspect(op.device, "cannot be repaired");
                restart_job(job);
            } else if (job.ops.empty()) {
                job.unreadable.reset();
                if (mutated("no_recompare")) {
                    end_job(it->first, job, ReplyStatus::kOk);
                } else {
                    restart_job(job);
                }
            }
            return;
    }
}

void Set::Impl::compare(std::uint64_t id, Job& job) {
    job.state = Job::State::kComparing;
    for (const auto& [member, device] : current(job.sources, job.targets)) {
        if (device != job.authority) {
            job.ops.insert(
                ask(device, Purpose::kJob, id, CompareData{{}, device, job.extent, *job.data}));
        }
    }
    if (job.ops.empty()) {
        compared(id, job);
    }
}

void Set::Impl::compared(std::uint64_t id, Job& job) {
    // Only of who is a member now: one that could not read it may have left since.
    Devices sources;
    Devices targets;
    bool at_rest = false;  // is fixed while nobody writes
    for (const auto& [member, device] : current(true, true)) {
        if (is_source(member->role)) {
            sources[device] = job.differs[device] || (job.sources && job.unreadable[device]);
        } else {
            targets[device] = job.differs[device];
            // Below its fence it is written together with the sources.
            at_rest |=
                targets[device] && job.extent.lbn < member->fence && !mutated("fix_below_fence");
        }
    }
    at_rest |= sources.any();
    if ((sources.none() && targets.none()) || (sources.any() && mutated("read_unfixed"))) {
        end_job(id, job, ReplyStatus::kOk);
        return;
    }
    // Its own stall: what was read before, or is written after, another job's may be overtaken.
    const bool stalled =
        stall == Hold::kExclusive && (job.needs_stall || mutated("fix_in_anothers_stall"));
    ++job.attempts;
    if (at_rest && !stalled && !mutated("fix_without_stall")) {
        job.needs_stall = job.unreadable.any() || job.attempts >= kComparesWithoutStall;
        restart_job(job);
        return;
    }
    if (sources.none() && !stalled && job.attempts > kComparesWithoutStall) {
        job.needs_stall = true;  // it is written too often to catch up with
        restart_job(job);
        return;
    }
    if (sources.any() && job.scrub && !is_merging(job.extent) && !scrub_decides(job, sources)) {
        restart_job(job);
        return;
    }
    if (sources.any() && ++job.fixes > kMostFixes) {
        for (const auto& [member, device] : current(true, false)) {
            if (sources[device]) {
                suspect(device, "does not keep what is written");
            }
        }
        restart_job(job);
        return;
    }
    fix(id, job, sources.any() ? sources : targets);
}

void Set::Impl::fix(std::uint64_t id, Job& job, const Devices& which) {
    job.state = Job::State::kFixing;
    for (DeviceIndex device = 0; device < devices.size(); ++device) {
        if (which[device]) {
            const DataOf data{false, job.data->value()};
            job.ops.insert(
                ask(device, Purpose::kJob, id, WriteData{{}, device, job.extent, data, false}));
        }
    }
}

void Set::Impl::end_job(std::uint64_t id, Job& ended, ReplyStatus status) {
    auto job = std::move(ended);
    jobs.erase(id);
    bool used = false;
    for (const auto reader : job.readers) {
        if (reads.contains(reader)) {
            reply_read(reader, status, status == ReplyStatus::kOk ? job.data : std::nullopt);
            used = true;
        }
    }
    if (job.data && !used) {
        drop(*job.data);
    }
    if (job.whole) {
        half_done(*job.whole, status);
        return;
    }
    if (job.scrub) {
        scrub_chunk_done(job, status);
    }
    if (job.slot) {
        work_done(Work::kMerge, job);
        merge_chunk_done(*job.slot);
    }
    if (job.copy) {
        work_done(Work::kCopy, job);
        copy_chunk_done(job.extent, status);
    }
}

// The stall lock: shared while writes may begin, exclusive while members are fixed.
void Set::Impl::progress_stall() {
    const LockName name{LockKind::kStall, 0};
    stall_wanted =
        std::ranges::any_of(jobs, [](const auto& entry) { return entry.second.needs_stall; });
    if (stall_asked) {
        return;
    }
    if (stall == Hold::kExclusive && !stall_wanted) {
        stall = Hold::kNone;
        lock(name, Hold::kShared);
        stall_asked = true;
    } else if (stall == Hold::kShared && begun == 0 && (stall_blocking || stall_wanted)) {
        stall = Hold::kNone;
        lock(name, Hold::kNone);
        // Whoever waits goes first.
        lock(name, stall_wanted ? Hold::kExclusive : Hold::kShared);
        stall_asked = true;
    } else if (stall == Hold::kNone) {
        lock(name, Hold::kShared);
        stall_asked = true;
    }
}

}  // namespace quorate::shadowing
