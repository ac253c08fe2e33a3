#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api.hpp"
#include "quorum/header.hpp"
#include "quorum/io/device_settings.hpp"

namespace quorate::ctl {

struct FormatOptions {
    std::vector<std::string> disks;
    std::string cluster;  // its name, for people
    bool soft = false;
    std::uint16_t nodes = 64;
    // In milliseconds; 0: the mode's own.
    std::uint32_t heartbeat = 0;
    std::uint32_t late_io = 0;
    std::uint32_t lease = 0;
    std::uint32_t silence = 0;
    std::uint32_t sync_timeout = 0;
    std::uint32_t vote_timeout = 0;
    std::uint32_t watchdog = 0;
};

// Makes quorum disks: asks before it overwrites what is not blank, refuses a disk that is in use.
int format_disks(const Context& context, const FormatOptions& options);
// The same with headers that are given, one for each path.
void write_headers(const Context& context, const std::vector<std::string>& paths,
                   const std::vector<quorum::Header>& headers);

// The header of a disk. A Failure when there is none.
quorum::Header read_header(const std::string& path);

}  // namespace quorate::ctl
