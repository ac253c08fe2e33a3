#pragma once

#include "io/metrics.hpp"
#include "parts.hpp"

namespace quorate::quorum {

// All that begin with quorumd_. `parts` outlives them.
void add_metrics(io::Metrics& metrics, const Parts& parts);

}  // namespace quorate::quorum
