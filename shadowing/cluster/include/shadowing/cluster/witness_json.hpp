#pragma once

#include <boost/json/object.hpp>

#include "base/result.hpp"
#include "shadowing/witness_block.hpp"

namespace quorate::shadowing {

// A witness as the control API has it (docs/protocols/control.md, quorumd): its member mask is 0.
boost::json::object to_json(const WitnessBlock& block);
// Errors: std::errc::invalid_argument, for the caller of the API.
Result<WitnessBlock> witness_block_from(const boost::json::object& object);

}  // namespace quorate::shadowing
