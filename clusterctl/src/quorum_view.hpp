#pragma once

#include <string>

#include "api.hpp"

namespace quorate::ctl {

// `quorumctl show` from the answer of GET /v1/quorum. Pure.
std::string render_quorum(const json::object& answer);

}  // namespace quorate::ctl
