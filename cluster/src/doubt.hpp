#pragma once

#include <algorithm>

#include "cluster/group_message.hpp"

namespace quorate::cluster {

// Of two epochs that a life may have joined in; 0: none.
inline Epoch earlier(Epoch a, Epoch b) {
    return a == Epoch(0) ? b : b == Epoch(0) ? a : std::min(a, b);
}

// The least epoch of a proposal that is made from this hello and becomes somebody's lineage; 0:
// none does. What it says itself is all that is certain to be among what it is made from.
inline Epoch first_epoch_from(const Hello& hello) {
    const auto floor = std::max({hello.floor, hello.disk_floor, hello.lineage.epoch});
    return Epoch(hello.quorate ? floor.value() + 1 : 0);
}

}  // namespace quorate::cluster
