#pragma once

#include <string>

#include "api.hpp"

namespace quorate::ctl {

struct ShowOptions {
    std::string from;  // a node's name; empty: this one
    bool watch = false;
    double watch_seconds = 2;
    bool diff = false;
};

int show_cluster(const Context& context, const ShowOptions& options);

// The path of `path` on node `node`; on this one when `node` is empty.
std::string path_on(const std::string& node, const std::string& path);

}  // namespace quorate::ctl
