#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>

namespace quorate::mail::store {

// How many octets of each body file are known to be dead: tells compaction where to look. A hint,
// made by looking at each file once: after a start, and when a segment is full. Any thread.
class SegmentUsage {
public:
    struct Entry {
        std::uint64_t dead = 0;
        std::uint64_t total = 0;  // 0: not known
        bool examined = false;    // `dead` was counted exactly and has only grown since
        bool kept = false;        // holds a damaged body: left for the operator
    };

    // It exists: to be examined.
    void found(std::uint32_t segment);
    // Bodies were purged from a database.
    void died(std::uint32_t segment, std::uint64_t bytes);
    void counted(std::uint32_t segment, std::uint64_t dead, std::uint64_t total);
    void keep(std::uint32_t segment);
    void removed(std::uint32_t segment);
    std::map<std::uint32_t, Entry> all() const;

private:
    mutable std::mutex mutex_;
    std::map<std::uint32_t, Entry> entries_;
};

}  // namespace quorate::mail::store
