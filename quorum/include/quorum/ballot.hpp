#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "quorum/page.hpp"

namespace quorate::quorum {

// A node's block of Disk Paxos (Gafni and Lamport, 2003), one instance per epoch: the page is of
// the newest epoch in which the node ever asked for the votes.
struct Ballot {
    NodeId node;
    std::uint64_t sequence = 0;
    Uuid cluster;

    Epoch epoch;
    std::uint64_t entered = 0;   // the greatest ballot that the node has entered (mbal)
    std::uint64_t accepted = 0;  // the ballot in which it took up `award` (bal); 0: in none yet
    Award award;
    Epoch committed;  // the newest epoch that this node knows to be decided
    Award committed_award;
    bool operator==(const Ballot&) const = default;
};

std::string encode(const Ballot& ballot);
// Errors: those of open_page().
Result<Ballot> decode_ballot(std::string_view page, NodeId owner);

}  // namespace quorate::quorum
