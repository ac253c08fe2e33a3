#include "lockmgr/types.hpp"

namespace quorate::lockmgr {

std::string_view name_of(LockStatus status) {
    switch (status) {
        case LockStatus::kGranted:
            return "granted";
        case LockStatus::kUnlocked:
            return "unlocked";
        case LockStatus::kNotQueued:
            return "not-queued";
        case LockStatus::kCancelled:
            return "cancelled";
        case LockStatus::kDeadlock:
            return "deadlock";
        case LockStatus::kTimedOut:
            return "timed-out";
        case LockStatus::kNoQuorum:
            return "no-quorum";
        case LockStatus::kNothingToCancel:
            return "nothing-to-cancel";
        case LockStatus::kInvalid:
            return "invalid";
        case LockStatus::kBusy:
            return "busy";
        case LockStatus::kNoSuchLock:
            return "no-such-lock";
        case LockStatus::kHasSublocks:
            return "has-sublocks";
        case LockStatus::kParentNotGranted:
            return "parent-not-granted";
        case LockStatus::kTooDeep:
            return "too-deep";
        case LockStatus::kNoRights:
            return "no-rights";
        case LockStatus::kOverLimit:
            return "over-limit";
        case LockStatus::kOrphanOtherMode:
            return "orphan-other-mode";
        case LockStatus::kNoOrphan:
            return "no-orphan";
        case LockStatus::kRevoked:
            return "revoked";
        case LockStatus::kExists:
            return "exists";
    }
    return "unknown";
}

std::string_view name_of(WaitCause cause) {
    switch (cause) {
        case WaitCause::kHolder:
            return "holder";
        case WaitCause::kQueue:
            return "queue";
        case WaitCause::kQuorum:
            return "quorum";
        case WaitCause::kDirectory:
            return "directory";
        case WaitCause::kRecovery:
            return "recovery";
        case WaitCause::kTakeover:
            return "takeover";
        case WaitCause::kMove:
            return "move";
        case WaitCause::kMaster:
            return "master";
    }
    return "unknown";
}

}  // namespace quorate::lockmgr
