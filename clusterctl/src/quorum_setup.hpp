#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api.hpp"

namespace quorate::ctl {

struct SetupOptions {
    std::vector<std::string> disks;
    std::uint32_t votes = 0;  // 0: one less than the nodes have together
    std::uint32_t tie_breaker = 0;
};
// Makes formatted disks the cluster's quorum device, on every node.
int set_up(const Context& context, const SetupOptions& options);
// Takes it back.
int take_down(const Context& context, const SetupOptions& options);

struct ReplaceOptions {
    std::string old_disk;
    std::string new_disk;
    std::uint32_t wait_seconds = 120;
};
// Another disk in the place of one, while the cluster votes: with both until every node trusts the
// new one. Interrupted, the same command goes on.
int replace_disk(const Context& context, const ReplaceOptions& options);

}  // namespace quorate::ctl
