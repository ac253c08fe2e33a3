#pragma once

#include <memory>
#include <string>

#include "quorum/io/disk.hpp"

namespace quorate::quorum {

bool is_nbd_uri(const std::string& path);
// An export of an NBD server that all nodes reach: nbd://HOST/EXPORT, nbds://, nbd+unix:///EXPORT?
// socket=PATH. The server must not answer from a cache that it does not share with the others.
Result<std::unique_ptr<Disk>> open_nbd_disk(boost::asio::io_context& io, const std::string& uri);

}  // namespace quorate::quorum
