#include <fmt/core.h>

#include "world.hpp"

// Why an operation ended as it did.
namespace quorate::lockmgr::simulator {

std::size_t World::ended(LockStatus status) const {
    const auto it = ended_.find(status);
    return it == ended_.end() ? 0 : it->second;
}

// What was asked for or has happened explains the answer.
void World::check_cause(std::size_t node, const Completion& output, const SimLock& asked) {
    const auto flags = asked.asked_flags;
    const auto had = [&](std::uint32_t bit) { return (flags & bit) != 0; };
    const bool adopts = asked.has(flag::ORPHAN);
    const bool altered = (output.mode == LockMode::PR && had(flag::ALTPR)) ||
                         (output.mode == LockMode::CW && had(flag::ALTCW));
    ++ended_[output.status];
    altered_ += output.alternative ? 1U : 0U;
    demoted_ += output.demoted ? 1U : 0U;
    bool explained = true;
    switch (output.status) {
        case LockStatus::kGranted:
            explained = output.alternative ? altered : output.mode == asked.requested;
            break;
        case LockStatus::kNotQueued:
            explained = had(flag::NOQUEUE);
            break;
        case LockStatus::kCancelled:
            explained = asked.cancelling;
            break;
        case LockStatus::kTimedOut:
            explained = asked.deadline && *asked.deadline <= events_.now();
            break;
        case LockStatus::kNoQuorum:
            explained = had(flag::NOQUORUMFAIL) &&
                        (scenario_.faults || !hosts_[node].quorate || !lease_runs(node));
            break;
        case LockStatus::kNoOrphan:
        case LockStatus::kOrphanOtherMode:
            explained = adopts;
            break;
        case LockStatus::kDeadlock:
            explained = !had(flag::NODLCKWT);
            break;
        case LockStatus::kRevoked:
            break;
        case LockStatus::kUnlocked:
        case LockStatus::kNothingToCancel:
        case LockStatus::kInvalid:
        case LockStatus::kBusy:
        case LockStatus::kNoSuchLock:
        case LockStatus::kHasSublocks:
        case LockStatus::kParentNotGranted:
        case LockStatus::kTooDeep:
            explained = false;
            break;
        case LockStatus::kNoRights:
            explained = scenario_.rights;  // check_rights knows more
            break;
        case LockStatus::kOverLimit:
        case LockStatus::kExists:
            explained = false;
            break;
    }
    if (!explained) {
        oracle_.fail(fmt::format("n{}: {} {} to one for {} with flags {:x}", node + 1,
                                 name_of(output.status), name_of(output.mode),
                                 name_of(asked.requested), flags));
    }
    check_rights(node, output, asked);
    // Where nothing breaks the master's last word does not take long.
    if (!scenario_.faults && !scenario_.drains && asked.deadline &&
        events_.now() > *asked.deadline + seconds(1)) {
        oracle_.fail(
            fmt::format("n{}: {} long after the deadline", node + 1, name_of(output.status)));
    }
}

}  // namespace quorate::lockmgr::simulator
