#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <utility>

#include "quorum/types.hpp"
#include "quorum/voter.hpp"

namespace quorate::quorum {

// Whether another voter has this node's place on a disk (a machine that was cloned, say), from what
// the voter reads anyway. A page of another life that moves is of one that lives; once it may also
// be the last writing of a dead one, landing late. Of two that live the one with the greater
// incarnation ends, so that one goes on. Pure.
class PlaceWatch {
public:
    PlaceWatch(NodeId self, Incarnation incarnation) : self_(self), incarnation_(incarnation) {}

    // A disk's pages, from page 0 on. True: another voter lives here, and this one is to end.
    bool read(DiskNumber disk, std::string_view pages);
    // What this node's page showed.
    bool add(DiskNumber disk, Incarnation incarnation, std::uint64_t sequence);
    // Whether this one is the one to go on, if it is thrown out of its place: a lesser one was not
    // seen to move.
    bool prevails() const;

private:
    NodeId self_;
    Incarnation incarnation_;
    struct Life {
        std::uint64_t sequence = 0;
        unsigned moves = 0;
    };
    // Of each disk: a dead life's last page may be on some only.
    std::map<std::pair<DiskNumber, Incarnation>, Life> lives_;
};

}  // namespace quorate::quorum
