#pragma once

#include <algorithm>

#include "cluster/group_message.hpp"

namespace quorate::cluster {

// Of two epochs that a life may have joined in; 0: none.
inline Epoch earlier(Epoch a, Epoch b) {
    return a == Epoch(0) ? b : b == Epoch(0) ? a : std::min(a, b);
}

// The least epoch of a proposal that is made from this hello and becomes somebody's lineage; 0:
// none does. What it says itself is all that is certain to be among what it is made from.
inline Epoch first_epoch_from(const Hello& hello) {
    const auto floor = std::max({hello.floor, hello.disk_floor, hello.lineage.epoch});
    return Epoch(hello.quorate ? floor.value() + 1 : 0);
}

// A life that has not joined yet: its hellos may have become a proposal that others made durable,
// or read from the quorum disk. They would count it lost if they went on without it, though it
// never was a member.
class Doubt {
public:
    // The least epoch that others may count it a member of; 0: none does.
    Epoch may_have_joined() const { return certain_; }

    // ---- its words to a group of several
    void says(const Hello& hello);
    void hears_itself(const Hello& hello) { heard_ = earlier(heard_, first_epoch_from(hello)); }
    // A proposal with this word is on the disk.
    void written(const Hello& hello) { confirm(first_epoch_from(hello)); }
    // What it said in this round may be.
    void may_be_written() { confirm(said_); }

    // ---- the end of a round. Within a ring, what did not come back was ordered after the change,
    // and counts nowhere; with the ring it is open.
    void group_changes(bool same_ring);
    void ring_is_lost() { group_changes(/*same_ring=*/false); }

private:
    void confirm(Epoch least);

    Epoch certain_;
    // Least epoch of a proposal from its words:
    Epoch said_;     // of this round
    Epoch offered_;  // of this ring
    Epoch heard_;    // of those that came back in this round
};

}  // namespace quorate::cluster
