#pragma once

#include "base/result.hpp"

namespace quorate::quorum {

// Starting again would not help: the operator must change something.
bool is_operators(const Error& error);

}  // namespace quorate::quorum
