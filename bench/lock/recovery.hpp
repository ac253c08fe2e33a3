#pragma once

#include <cstddef>

namespace quorate::bench {

// Three nodes hold `locks` locks together, then one dies. Prints how long the two others take until
// what it mastered can be used, and what else is asked of them has to wait meanwhile.
int recovery(std::size_t locks);

}  // namespace quorate::bench
