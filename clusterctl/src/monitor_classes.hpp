#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api.hpp"
#include "statistics.hpp"

namespace quorate::ctl {

// The classes of MONITOR and where their figures come from.
struct MonitorClass {
    const char* name;
    const char* title;
    std::vector<Reading> (*read)(const Context& context);
};
const std::vector<MonitorClass>& monitor_classes();

// The sum of a metric's samples over all labels, in OpenMetrics text.
double metric_sum(std::string_view text, std::string_view name);

}  // namespace quorate::ctl
