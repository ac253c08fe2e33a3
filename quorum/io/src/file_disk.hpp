#pragma once

#include <memory>
#include <string>

#include "quorum/io/disk.hpp"

namespace quorate::quorum {

// O_DIRECT through io_uring: no cache of this machine is in between, and nothing waits for the disk
// but the I/O itself.
Result<std::unique_ptr<Disk>> open_file_disk(boost::asio::io_context& io, const std::string& path);

}  // namespace quorate::quorum
