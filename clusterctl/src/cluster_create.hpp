#pragma once

#include <string>
#include <vector>

#include "machine.hpp"

// Cluster membership of this machine, from nothing and back. Each says what it will do, asks, and
// on a failure what it did and did not do.
namespace quorate::ctl {

struct CreateOptions {
    NodeOptions node;
    std::string name;
    std::uint32_t token_ms = 1000;
    bool no_real_time = false;
};
int create_cluster(const Context& context, const CreateOptions& options);

struct JoinOptions {
    NodeOptions node;
    std::vector<std::string> members;  // HOST:PORT of one member, a ring each
    std::uint32_t votes = 1;
};
int join_cluster(const Context& context, const JoinOptions& options);

struct LeaveOptions {
    NodeOptions machine;  // no_start: do not stop either
    std::string node;     // another node, which is gone for good; empty: this one
};
int leave_cluster(const Context& context, const LeaveOptions& options);

}  // namespace quorate::ctl
