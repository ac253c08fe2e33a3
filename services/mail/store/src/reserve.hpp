#pragma once

#include <cstdint>
#include <mutex>

#include "base/log.hpp"
#include "mail/store/volume.hpp"

namespace quorate::mail::store {

// Space held back in a file of its own ("journal/reserve") and given up when the volume is full, so
// that deletions, commits of databases and compaction, which frees space, still work then. New mail
// is refused until the reserve is whole again. Any thread.
class Reserve {
public:
    Reserve(Volume& volume, std::uint64_t bytes, Logger log)
        : volume_(volume), bytes_(bytes), log_(std::move(log)) {}

    // Whether new mail may be taken; tries to fill the reserve again when it was given up.
    bool whole();
    // Gives it up. False: there was nothing left to give.
    bool release();

private:
    Status fill();

    Volume& volume_;
    const std::uint64_t bytes_;
    Logger log_;
    std::mutex mutex_;
    bool whole_ = false;
    bool warned_ = false;
};

}  // namespace quorate::mail::store
