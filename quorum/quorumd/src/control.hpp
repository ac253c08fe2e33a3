#pragma once

#include "io/control_server.hpp"
#include "io/metrics.hpp"
#include "parts.hpp"

namespace quorate::quorum {

// quorumd's part of the control API, docs/protocols/control.md. All outlive the server.
void add_control_routes(io::ControlServer& server, Parts& parts, const io::Metrics& metrics);

}  // namespace quorate::quorum
