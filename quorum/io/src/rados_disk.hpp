#pragma once

#include <memory>
#include <string>

#include "quorum/io/disk.hpp"

namespace quorate::quorum {

// An object of a Ceph cluster that all nodes reach; see rados_path.hpp. Nothing between it and its
// OSD caches, and what was written is on all replicas when it is answered.
Result<std::unique_ptr<Disk>> open_rados_disk(boost::asio::io_context& io, const std::string& path);
// Makes the object, of so many octets at least.
Status make_rados_disk(const std::string& path, std::uint64_t bytes);

}  // namespace quorate::quorum
