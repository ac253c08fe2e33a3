#pragma once

#include <map>

#include "shadowing/set.hpp"

namespace quorate::shadowing {

// The locks of an opener that nobody shares the set with: every one is granted at once.
class SoloLocks {
public:
    // Nothing: it was released.
    std::optional<Locked> ask(const Lock& lock) {
        if (lock.lock.kind == LockKind::kMembership && lock.value) {
            state_ = ValueState::kValid;
            value_ = *lock.value;
        }
        if (lock.hold == Hold::kNone) {
            return std::nullopt;
        }
        return Locked{lock.lock, lock.hold, state_, value_};
    }

private:
    ValueState state_ = ValueState::kFresh;
    WitnessWord value_;
};

}  // namespace quorate::shadowing
