#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "quorum/heartbeat.hpp"
#include "quorum/page.hpp"
#include "quorum/voter.hpp"

namespace quorate::quorum {

// The pages as this node last read them, for people: what `quorumctl show` and the metrics tell of
// other nodes. The voter decides by its own view of them.
class PageBoard {
public:
    // Of a reading from page 0 on.
    void read(BootTime now, DiskNumber disk, std::string bytes);

    struct Seen {
        Heartbeat page;
        std::uint64_t sequence = 0;
        std::optional<BootTime> changed;  // when the counter was first seen to move
    };
    // The newest that any disk shows; nothing when it is blank or cannot be read.
    std::optional<Seen> heartbeat(NodeId node) const;

private:
    struct Counter {
        std::uint64_t sequence = 0;
        BootTime changed;
    };
    std::array<std::string, kMaxDisks> pages_;
    std::map<NodeId, Counter> counters_;
};

}  // namespace quorate::quorum
