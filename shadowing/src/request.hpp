#pragma once

#include <set>
#include <vector>

#include "operation.hpp"

// Clients' requests that are under way.
namespace quorate::shadowing {

struct ReadRequest {
    Extent extent;
    Devices tried;
    Devices unreadable;
    std::set<OpId> ops;
    BootTime hedge_at;
    BootTime arrived;
    bool stalled = false;  // waits for the set to be active
};

struct WriteRequest {
    Extent extent;
    bool zero = false;
    bool fua = false;
    bool admitted = false;  // no earlier write overlaps
    bool hot = false;       // its regions are
    bool begun = false;     // some member may have it
    bool given_up = false;  // was answered, and is never begun
    BootTime arrived;
    Fanout members;
};

struct WaitingFlush {
    RequestId request;
    BootTime arrived;
};

struct FlushRound {
    std::uint64_t number = 0;
    std::uint64_t mark = 0;
    Fanout members;
    std::vector<WaitingFlush> requests;
};

}  // namespace quorate::shadowing
