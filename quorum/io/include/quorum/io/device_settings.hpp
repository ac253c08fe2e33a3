#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "quorum/header.hpp"
#include "quorum/timing.hpp"
#include "quorum/types.hpp"

// The section quorum.device of corosync.conf as quorumd understands it: the same on all nodes,
// since all must agree on the disk, its votes and its constants before any of them can read it.
namespace quorate::quorum {

// Not "disk": that is what others who watch a disk are called, and their daemon must not begin to
// use ours.
inline constexpr std::string_view kModel = "quorumd";

// Keys below quorum.device, "votes" or "quorumd.disk1", with their values.
using DeviceKeys = std::map<std::string, std::string>;

struct DeviceDisk {
    std::string path;
    Uuid uuid;
    bool operator==(const DeviceDisk&) const = default;
};

struct DeviceSettings {
    Uuid cluster;
    std::uint32_t votes = 1;
    Timing timing;
    std::vector<DeviceDisk> disks;  // 1 or 3
    // While disks are replaced; see UseDisks.
    std::vector<DeviceDisk> next;
    std::uint32_t step = 0;
    std::optional<NodeId> tie_breaker;
    bool operator==(const DeviceSettings&) const = default;
};

// Errors: std::errc::invalid_argument, all mistakes by name; errc::unsafe_timing.
Result<DeviceSettings> parse_device(const DeviceKeys& keys);
DeviceKeys keys_of(const DeviceSettings& settings);

// 32 hexadecimal digits, and back.
std::optional<Uuid> parse_uuid(std::string_view text);

// What differs between what a disk says of itself and what it should be; empty: it is that disk.
// `place`: which of `settings.disks` it is.
std::string difference(const Header& header, const DeviceSettings& settings, Uuid disk);

}  // namespace quorate::quorum
