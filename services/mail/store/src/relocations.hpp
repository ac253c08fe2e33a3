#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>

#include "mail/store/types.hpp"

namespace quorate::mail::store {

// What compaction is doing and did to segments, for those who hold an older BodyRef. Any thread.
// Limits: the bodies of the kSegments last compacted segments are found; a reader that held a
// reference longer is told that the body is damaged.
class Relocations {
public:
    static constexpr std::size_t kSegments = 256;

    // From now on nobody may begin to refer to a body in it.
    void close(std::uint32_t segment);
    void reopen(std::uint32_t segment);
    bool closed(std::uint32_t segment) const;

    void moved(const BodyRef& from, const BodyRef& to);
    // Where the body is now.
    BodyRef resolve(BodyRef ref) const;

private:
    mutable std::mutex mutex_;
    std::set<std::uint32_t> closed_;
    std::atomic<bool> any_{false};
    std::unordered_map<std::uint32_t, std::map<std::uint64_t, BodyRef>> moved_;
    std::deque<std::uint32_t> order_;
};

}  // namespace quorate::mail::store
