#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "shadowing/io/mounted_set.hpp"

namespace quorate::shadowing {

struct SoloOptions {
    std::string unit;  // "DSA1"
    std::vector<std::string> disks;
    std::string witness_file;
    bool accept_loss = false;  // SetOptions
};

// A shadow set of one machine without a cluster: one opener, whose lease always runs, that has
// every lock at once, and a file as the witness. Errors: those of MountedSet::open();
// errc::refused, the witness is of another set.
Result<std::unique_ptr<MountedSet>> open_solo_set(boost::asio::io_context& io, SoloOptions options);

}  // namespace quorate::shadowing
