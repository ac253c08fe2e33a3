#pragma once

#include <string>

#include <boost/json/object.hpp>

namespace quorate::ctl {

// shadowd's answers as text for people.
std::string render_unit(const boost::json::object& unit);
std::string render_served_disks(const boost::json::object& answer);

}  // namespace quorate::ctl
