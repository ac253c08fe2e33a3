#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api.hpp"

// What the verbs of shadow sets share.
namespace quorate::ctl {

struct ShadowOptions {
    std::string unit;
    std::vector<std::string> disks;
    std::string disk;
    std::string word;
    std::uint32_t priority = 0;
    bool force = false;
    bool plan = false;
    bool cluster = false;
    bool shared = false;
    bool quorum_disk = false;
    bool minicopy = false;
};

// As shadowd wants to have a disk named: an absolute path, unless it is another node's or in RADOS.
std::string disk_place(const std::string& disk);
std::string target_of(const ShadowOptions& options, std::string_view suffix = "");

// Tell the plan, ask, mount.
int mount_unit(const Context& context, const ShadowOptions& options);
// The same although what is there may be old. Without disks: of a unit that waits for its disks.
int accept_loss(const Context& context, const ShadowOptions& options);

}  // namespace quorate::ctl
