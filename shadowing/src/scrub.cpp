#include <algorithm>

#include <fmt/format.h>

#include "set_impl.hpp"

// What goes on beside the clients' requests, and how much of it: they come first. And the scrub,
// which compares all sources over and over.
namespace quorate::shadowing {
namespace {

// Clients ask for something as long as the last request is not older.
constexpr std::chrono::milliseconds kBusyFor{200};

}  // namespace

// How many chunks may be under way together.
std::size_t Set::Impl::jobs_allowed(Work work, std::size_t running) {
    const auto& pace = pace_of(work);
    if (!pace.runs || dismounting) {
        return 0;
    }
    const bool busy = !reads.empty() || !writes.empty() || moment.now - asked_at < kBusyFor;
    if (!busy || pace.share >= 100) {
        return options.jobs_max;
    }
    if (running == 0 && pacer_of(work).not_before() > moment.now) {
        wake_at(pacer_of(work).not_before());
        return 0;
    }
    return 1;
}

void Set::Impl::work_done(Work work, const Job& job) {
    auto& pacer = pacer_of(work);
    if (job.begun_at) {
        pacer.ended(moment.now, moment.now - *job.begun_at, pace_of(work).share);
    }
    pacer.done(moment.now, job.extent.blocks);
}

void Set::Impl::on(const Steer& input) {
    pace_of(input.work) = input.pace;
    if (input.work == Work::kScrub && input.pass_now) {
        scrub.demanded = true;
        scrub.fence = 0;
        scrub.next_at = moment.now;
        pacer_of(Work::kScrub).begin(moment.now);
    }
}

// While something is to be copied or merged, differences are no news.
bool Set::Impl::scrub_due() const {
    return mounted && !dismounting && pace_of(Work::kScrub).runs && pending.empty() &&
           current(true, false).size() > 1 && current(false, true).empty() &&
           (scrub.demanded || scrub.lock == Hold::kExclusive);
}

void Set::Impl::progress_scrub() {
    if (mounted && !dismounting && options.volunteers && !scrub.asked) {
        scrub.asked = true;
        lock({LockKind::kScrub, 0}, Hold::kExclusive);
    }
    if (!scrub_due()) {
        return;
    }
    if (scrub.fence >= now_current.set_blocks && scrub.jobs == 0) {
        ++scrub.found.passes;
        scrub.fence = 0;
        scrub.demanded = false;
        scrub.next_at = moment.now + options.scrub_every;
    }
    if (scrub.next_at > moment.now) {
        wake_at(scrub.next_at);
        return;
    }
    const auto most = scrub.demanded ? options.jobs_max : 1;
    while (scrub.jobs < std::min(most, jobs_allowed(Work::kScrub, scrub.jobs)) &&
           scrub.fence < now_current.set_blocks) {
        Job job;
        job.extent = {scrub.fence,
                      std::min(options.chunk_blocks, now_current.set_blocks - scrub.fence)};
        job.scrub = true;
        scrub.fence = job.extent.end();
        add_job(std::move(job));
        ++scrub.jobs;
        if (!scrub.demanded) {
            scrub.next_at = moment.now + options.scrub_every;
        }
    }
}

void Set::Impl::scrub_chunk_done(const Job& job, ReplyStatus status) {
    --scrub.jobs;
    work_done(Work::kScrub, job);
    if (status != ReplyStatus::kOk) {
        ++scrub.found.unreadable;
        note(fmt::format("scrub: no source can read blocks {} to {}", job.extent.lbn,
                         job.extent.end() - 1));
    }
}

// Sources differ although nobody writes and nothing is to be merged: a disk has lost or changed
// what it had. Whoever has most of them on its side wins; without a majority the oldest source,
// which clients have been reading for longest. False: another one is to be asked first.
bool Set::Impl::scrub_decides(Job& job, const Devices& differing) {
    const auto sources = current(true, false);
    const auto on_its_side = sources.size() - differing.count();
    const bool majority = 2 * on_its_side > sources.size();
    if (!majority && !job.undecided && !mutated("scrub_without_vote")) {
        job.outvoted.set(job.authority);
        return false;
    }
    if (std::exchange(job.reported, true)) {
        return true;
    }
    std::string losers;
    for (const auto& [member, device] : sources) {
        losers += differing[device] ? " " + devices[device].name : std::string();
    }
    const char* why = majority ? "the others agree" : "without a majority, as the oldest source";
    if ((differing & ~job.unreadable).none()) {
        ++scrub.found.repaired;
        why = "unreadable there";
    } else {
        ++scrub.found.mismatches;
        scrub.found.undecided += majority ? 0 : 1;
    }
    note(fmt::format("scrub: blocks {} to {} are written on{} as {} has them: {}", job.extent.lbn,
                     job.extent.end() - 1, losers, devices[job.authority].name, why));
    return true;
}

}  // namespace quorate::shadowing
