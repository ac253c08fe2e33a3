#pragma once

#include <string>
#include <string_view>

#include "cluster/io/corosync.hpp"

namespace quorate::cluster {

// What the operator must know of a quorum device that Corosync has, as long as nobody publishes its
// lease here: its votes count for votequorum, and for nothing that clusterd decides, since they may
// be another partition's by now. Empty: there is no device.
std::string device_problem(std::string_view model, const VoteInfo& votes);

}  // namespace quorate::cluster
