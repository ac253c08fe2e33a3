#include "shadowing/status.hpp"

#include <fmt/format.h>

#include "set_impl.hpp"

// What the operator sees of a set.
namespace quorate::shadowing {

std::string_view name_of(Work work) {
    switch (work) {
        case Work::kMerge:
            return "merge";
        case Work::kCopy:
            return "copy";
        case Work::kScrub:
            return "scrub";
    }
    return "?";
}

// ---- members

std::string Set::Impl::why(const LabelMember* member, const Device& device) const {
    if (member == nullptr) {
        return device.label ? "not a member of this set" : "no label of this set has been read";
    }
    const auto reason = device.reason.empty() ? device.reason : ": " + device.reason;
    if (member->role != Role::kExpelled && device.suspect) {
        return "is being expelled" + reason;
    }
    const auto since = member->since;
    switch (member->role) {
        case Role::kFull:
        case Role::kMerge:
            return fmt::format("source: has every acknowledged write since generation {}", since);
        case Role::kCopy:
            return fmt::format(
                "target: came in generation {} with nothing that the set can use, "
                "all of it is compared and overwritten where it differs",
                since);
        case Role::kMinicopy:
            return fmt::format(
                "target: came back in generation {}, is overwritten where anything "
                "may have changed since generation {}",
                since, now_current.changes_since);
        case Role::kExpelled:
            break;
    }
    const bool kept = member->fence != 0 && now_current.changes_since != 0;
    return fmt::format("expelled in generation {}{}; {}", since, reason,
                       kept ? "the others keep in mind what changes, for a minicopy"
                            : "if it comes back all of it is copied");
}

MemberStatus Set::Impl::member_status(DeviceIndex index) const {
    const auto& device = devices[index];
    const auto* member = member_of(index);
    MemberStatus status;
    status.device = device.name;
    if (!device.name.empty()) {
        status.why = why(member, device);
    }
    if (member != nullptr && member->role != Role::kExpelled) {
        status.role = member->role;
        status.fence = member->fence;
    }
    status.queue = device.queue;
    status.latency = std::chrono::microseconds(expected_us(device));
    status.read_cost = device.read_cost;
    status.other_site = is_elsewhere(device);
    return status;
}

std::string Set::Impl::why_stalled() const {
    if (!may_act()) {
        return "this node's lease does not run";
    }
    if (phase != Phase::kActive) {
        return "the membership changes";
    }
    if (!members_locked()) {
        return "a member is not free yet of earlier operations";
    }
    return {};
}

// ---- work

void Set::Impl::merge_status(WorkStatus& status) const {
    std::uint64_t left = 0;
    std::uint64_t all = 0;
    bool elsewhere = false;
    for (const auto& [slot, one] : pending) {
        elsewhere |= one.asked && !one.held;
        if (one.state != Pending::State::kMerging) {
            continue;
        }
        status.here = true;
        all += std::uint64_t{one.regions.size()} << now_current.layout.region_shift;
        for (const auto& extent : one.left) {
            left += extent.blocks;
        }
    }
    all = std::min(all, now_current.set_blocks);
    status.of_blocks = all;
    status.done_blocks = all - std::min(left, all);
    status.state = status.here ? "reconciles what a lost opener may have been writing"
                   : elsewhere ? "waits for what a lost opener had, or another opener merges it"
                               : "nothing to merge";
}

void Set::Impl::copy_status(WorkStatus& status) const {
    const auto targets = current(false, true);
    if (targets.empty() || !target) {
        status.state = targets.empty()       ? "nothing to copy"
                       : !options.volunteers ? "this opener does not copy"
                                             : "another opener copies";
        return;
    }
    status.here = true;
    status.of_blocks = now_current.set_blocks;
    status.done_blocks = copied_below();
    const auto* member = now_current.find(*target);
    const bool mini = member != nullptr && member->role == Role::kMinicopy;
    if (mini && !changes.known) {
        status.state = "reads what has changed";
    } else if (status.done_blocks < status.of_blocks) {
        status.state = mini ? "copies what may have changed" : "copies everything that differs";
    } else {
        status.state = is_merge_due() ? "is done, but a merge comes first" : "ends";
    }
}

void Set::Impl::scrub_status(WorkStatus& status) const {
    status.here = scrub_due();
    status.of_blocks = status.here ? now_current.set_blocks : 0;
    status.done_blocks = status.here ? scrub.fence : 0;
    const bool may = scrub.demanded || scrub.lock == Hold::kExclusive;
    status.state = status.here ? scrub.demanded ? "compares all sources, as demanded"
                                                : "compares all sources, all the time"
                   : !may      ? "another opener scrubs"
                   : current(true, false).size() < 2 ? "there is nothing to compare with"
                                                     : "waits for a merge or copy";
}

WorkStatus Set::Impl::work_status(Work work) const {
    WorkStatus status;
    status.pace = pace_of(work);
    switch (work) {
        case Work::kMerge:
            merge_status(status);
            break;
        case Work::kCopy:
            copy_status(status);
            break;
        case Work::kScrub:
            scrub_status(status);
            break;
    }
    if (!status.pace.runs) {
        status.state = "stopped by the operator";
    } else if (status.here) {
        status.blocks_per_second = pacer_of(work).per_second(moment.now);
    }
    if (status.blocks_per_second > 0) {
        const auto left = status.of_blocks - std::min(status.of_blocks, status.done_blocks);
        status.left = std::chrono::seconds(left / status.blocks_per_second);
    }
    return status;
}

SetStatus Set::Impl::status() const {
    SetStatus status;
    status.mounted = mounted;
    status.stalled = why_stalled();
    status.generation = now_current.generation;
    status.lineage = now_current.lineage;
    status.blocks = now_current.set_blocks;
    for (DeviceIndex i = 0; i < devices.size(); ++i) {
        status.members.push_back(member_status(i));
    }
    for (const auto& [slot, one] : pending) {
        status.to_merge.push_back(slot);
    }
    for (const auto work : {Work::kMerge, Work::kCopy, Work::kScrub}) {
        status.work[static_cast<std::size_t>(work)] = work_status(work);
    }
    status.found = scrub.found;
    if (intent) {
        status.hot_regions = intent->hot();
        status.intent_blocks = intent->blocks_written();
    }
    return status;
}

}  // namespace quorate::shadowing
