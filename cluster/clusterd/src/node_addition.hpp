#pragma once

#include <memory>
#include <string>

#include <boost/json/object.hpp>

#include "conf_change.hpp"

namespace quorate::cluster {

// What POST /v1/cluster/nodes asks for, worked out on the corosync.conf that stands now.
struct Addition {
    CorosyncConf::Node node;
    Status possible;
    std::string text;  // of the new corosync.conf
    ConfChange::Wanted wanted;
};
// Throws as boost::json does when a field is missing or of the wrong type.
std::unique_ptr<Addition> plan_addition(const boost::json::object& body, ConfFile::Text old);

}  // namespace quorate::cluster
