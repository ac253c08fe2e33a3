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

}  // namespace quorate::ctl
