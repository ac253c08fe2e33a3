#pragma once

#include <boost/json/object.hpp>

#include "base/result.hpp"
#include "quorum/witness.hpp"

namespace quorate::quorum {

// A witness as the control API has it (docs/protocols/control.md).
boost::json::object to_json(const Witness& witness);
// Errors: std::errc::invalid_argument, naming the field.
Result<Witness> witness_from(const boost::json::object& body);

}  // namespace quorate::quorum
