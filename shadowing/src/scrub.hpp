#pragma once

#include "shadowing/set.hpp"

namespace quorate::shadowing {

struct Scrub {
    bool asked = false;  // for its lock
    Hold lock = Hold::kNone;
    bool demanded = false;    // a pass, by the operator
    std::uint64_t fence = 0;  // of this pass: what is below has been asked for
    std::size_t jobs = 0;
    BootTime next_at{};
    ScrubFindings found;
};

}  // namespace quorate::shadowing
