#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api.hpp"

namespace quorate::ctl {

// What one member answered when it was asked for its view of the cluster.
struct NodeView {
    std::string node;
    std::optional<json::object> view;
    std::string error;  // when it did not answer
};

// One thing on which the views do not agree: what each node says of it.
struct Difference {
    std::string field;
    std::map<std::string, std::string> by_node;
    bool operator==(const Difference&) const = default;
};

// Compares what ought to be the same everywhere: epoch, quorum, votes, members; and each circuit
// from both of its ends. What differs by nature (leases, counters, round trips) is left out.
std::vector<Difference> compare_views(const std::vector<NodeView>& views);

}  // namespace quorate::ctl
