#pragma once

#include <cstdint>

namespace quorate::shadowing {

// An opener leaves: first everything is answered and flushed and its slot of the write-intent log
// cleared. Then, with the membership locked, nobody may hold another slot; whoever is alone marks
// the labels clean.
struct Dismounting {
    enum class State : std::uint8_t {
        kDraining,
        kLockingMembership,
        kProbing,
        kWritingLabels,
        kClosing
    } state = State::kDraining;
    std::uint64_t flush = 0;
    std::uint16_t probing = 0;  // slot
    std::size_t waiting = 0;    // for answers
    bool failed = false;
    bool clean = false;
};

}  // namespace quorate::shadowing
