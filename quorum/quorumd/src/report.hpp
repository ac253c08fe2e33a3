#pragma once

#include <boost/json/object.hpp>

#include "parts.hpp"

namespace quorate::quorum {

// `GET /v1/quorum`: docs/protocols/control.md.
boost::json::object report_quorum(const Parts& parts);

}  // namespace quorate::quorum
