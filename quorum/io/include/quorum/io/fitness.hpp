#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

// Whether all nodes see the same pages through a path: what the kernel says of it.
namespace quorate::quorum {

// Why a file of this file system (statfs(2)'s f_type) may not be a quorum disk; empty: it may.
std::string_view objection_to_file_system(std::uint64_t type);

// What sysfs says of a block device.
struct BlockDevice {
    std::string name;       // sda1, dm-3, md0
    std::string mapper;     // dm/uuid
    unsigned parts = 0;     // devices that it is put together from
    bool array = false;     // md
    bool buffered = false;  // a loop device that goes through this machine's page cache
};
std::string objection_to_device(const BlockDevice& device);
// `sysfs`: usually /sys/dev/block/MAJOR:MINOR.
BlockDevice describe_device(const std::string& sysfs);

// Why what stands at the beginning of it forbids its use, whoever wants to format it: a member of a
// shadow set. Empty: nothing does.
std::string objection_to_content(std::string_view first_page);

// All of that for an open descriptor. Errors: errc::unfit.
Status check_fitness(int descriptor, const std::string& path);

}  // namespace quorate::quorum
