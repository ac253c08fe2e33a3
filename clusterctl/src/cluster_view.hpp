#pragma once

#include <string>

#include "api.hpp"

namespace quorate::ctl {

// An answer of GET /v1/cluster as people read it: header, members, circuits, and what is pending or
// refused. Source: the classes SYSTEMS, MEMBERS, CLUSTER and CIRCUITS of VMS's SHOW CLUSTER.
std::string render_cluster(const json::object& view);

// The members alone, a line each.
std::string render_members(const json::object& view);

// The fencers of an answer of GET /v1/cluster or GET /v1/fencers, a line each; empty without any.
std::string render_fencers(const json::object& of_node);

}  // namespace quorate::ctl
