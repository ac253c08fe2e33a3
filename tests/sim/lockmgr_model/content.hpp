#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "lockmgr/lock_manager.hpp"
#include "message.hpp"

// What is in a machine, as far as it decides what the machine will do, as a number of 64 bits: two
// of equal content answer alike to whatever comes. Left out is what nothing hangs on here: time,
// which stands still, and what only counts or waits for it (use of trees, timers, searches); which
// record a lock has; who is to be told that a lock blocks, since no lock asks for that. What is
// between two machines (link.hpp) is the searcher's to compare: neither side alone tells what is
// still under way.
namespace quorate::lockmgr::model {

// Whose lock an id is: a lock is known by its node and the number that its client gave it, its xid,
// whatever its record.
class Names {
public:
    void learn(NodeId node, LockId lock, std::uint64_t xid);
    // From the messages of a packet that tell both.
    void learn(std::string_view packet);
    // A lock's name in place of its id: the same whichever record it has.
    LockId operator()(NodeId node, LockId lock) const;

private:
    void learn(const TreeImage& tree);

    struct Known {
        NodeId node;
        LockId lock;
        LockId name;
    };
    std::vector<Known> known_;
};

// Of a message from one node to another, whichever records its locks have.
std::uint64_t content_of(Message message, NodeId from, NodeId to, const Names& names);
std::uint64_t content_of(const LockManager& machine, const Names& names);

// What a machine has sent to a peer that the peer may not have, and what it has had of it.
struct LinkContent {
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::vector<std::uint64_t> unacknowledged;  // their contents
};
LinkContent link_content_of(const LockManager& machine, NodeId peer, const Names& names);

}  // namespace quorate::lockmgr::model
