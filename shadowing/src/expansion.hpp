#pragma once

#include <array>

#include "operation.hpp"

namespace quorate::shadowing {

// The virtual unit is made larger: what is new is zeroed on every member, flushed, and only then
// shown.
struct Expansion {
    std::size_t asking = 0;  // members for their room
    bool locked = false;
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    std::uint64_t next = 0;  // what is below is zeroed, or asked for
    Extent extent;           // that is zeroed now; none: the next one is due
    Fanout members;
    // Of which stint it was zeroed from the beginning: since + 1.
    std::array<std::uint64_t, kMaxMembers> whole{};
    std::uint64_t flush = 0;
    bool ready = false;
};

}  // namespace quorate::shadowing
