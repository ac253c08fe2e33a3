#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "quorum/timing.hpp"
#include "quorum/types.hpp"

namespace quorate::quorum {

// Nodes without a path to the disk that this node, which has one, tells to cast. They stand on its
// page before they are first told; while they do, others take them for holders of its votes.
class Wards {
public:
    explicit Wards(const Timing& timing) : timing_(timing) {}

    // What the last life's page listed stays listed until its grants are over.
    void restore(BootTime now, NodeSet listed);

    // Those on the page.
    NodeSet listed() const;
    bool empty() const { return wards_.empty(); }

    // Asks. True: for the first time, to be listed with the next heartbeat.
    bool ask(BootTime now, NodeId node, std::uint64_t nonce);
    // The heartbeat that lists all of them so far has this number.
    void submitted(std::uint64_t sequence);
    // It was read back, and no later epoch had begun.
    void confirmed(std::uint64_t sequence);
    bool ready(NodeId node) const;
    // Some are not.
    bool waiting() const;
    void granted(NodeId node, BootTime until);

    // It makes no use of what it asked for, this time or before; not all that it asked was heard.
    // True: it leaves the list.
    bool given_back(NodeId node, std::uint64_t nonce);
    // Those that can cast no more, having been silent for long enough, leave the list.
    bool expire(BootTime now);
    // When the first of them can.
    BootTime deadline() const;

private:
    struct Ward {
        std::optional<std::uint64_t> listed_with;
        bool ready = false;
        std::optional<std::uint64_t> nonce;  // of its last asking of this life
        BootTime until;                      // the end of what it was granted, or might be soon
    };

    Timing timing_;
    std::map<NodeId, Ward> wards_;
};

// A ward's side: what it was granted.
struct Grant {
    NodeId watcher;
    Epoch epoch;
    Award award;
    BootTime until;
};

}  // namespace quorate::quorum
