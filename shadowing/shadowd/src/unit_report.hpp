#pragma once

#include <boost/json/object.hpp>

#include "io/metrics.hpp"
#include "shadowd.hpp"

// What shadowd tells of its units (docs/protocols/control.md).
namespace quorate::shadowing {

boost::json::object report(const Shadowd& shadowd, const Unit& unit);
boost::json::array report_events(const Unit& unit);
void add_metrics(io::Metrics& metrics, const Shadowd& shadowd);

}  // namespace quorate::shadowing
