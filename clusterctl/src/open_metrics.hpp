#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>

namespace quorate::ctl {

// One line of OpenMetrics 1.0 text that is no comment: name, labels, value.
struct MetricSample {
    std::string name;
    std::vector<std::pair<std::string, std::string>> labels;
    double value = 0;
};
// Lines that are none are left out.
std::vector<MetricSample> read_metrics(std::string_view text);

// The sum of a metric's samples over all labels.
double metric_sum(std::string_view text, std::string_view name);

// [{"name", "labels": {NAME: TEXT}, "value"}...]; a value that JSON cannot write (Inf, NaN) is
// null.
boost::json::array metrics_as_json(std::string_view text);

}  // namespace quorate::ctl
