#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cluster/corosync_conf.hpp"

namespace quorate::cluster {

// Lines and sections; what they mean is checked elsewhere.
Result<std::vector<ConfItem>> parse_conf_items(std::string_view text, std::string_view file);

tl::unexpected<Error> conf_error(std::string_view file, unsigned line, std::string_view what);

ConfItem conf_value(std::string_view key, std::string value);

}  // namespace quorate::cluster
