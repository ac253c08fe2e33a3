#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "quorum/page.hpp"

namespace quorate::quorum {

enum class VoterState : std::uint8_t {
    kStart = 1,  // reads what the last life left, and takes back its vote
    kProbe,      // does not trust the disk yet
    kIdle,       // trusts it, and need not do more
    kBid,        // leads its partition in asking for the votes
    kFollow,     // waits for the one that does
    kHold,       // may cast the disk's votes
    kResigned,   // another partition has them, or should
    kEvicted,    // final: a fence request, or another voter in its place
};
std::string_view text_of(VoterState state);

// Octets that another program of the node keeps here, because whoever forms a quorum with the disk
// must see them: clusterd's epoch floor (docs/formats/epoch-floor.md).
inline constexpr std::size_t kMaxRider = 3328;

// Another node's page, as this one last read it.
struct Echo {
    NodeId node;
    std::uint64_t sequence = 0;
    bool operator==(const Echo&) const = default;
};

// What a voter says of itself, over and over.
struct Heartbeat {
    NodeId node;
    std::uint64_t sequence = 0;
    Uuid cluster;

    Incarnation incarnation;
    Uuid boot;  // the kernel's boot id
    RingId ring;
    NodeSet members;          // of the ring
    std::uint32_t votes = 0;  // of the members together
    VoterState state = VoterState::kStart;
    bool trusted = false;
    bool stopped = false;  // the last page of an orderly end
    // While this page stands there unchanged a watchdog will reset the machine, unless all of a
    // ring with votes enough say that they hear of it.
    bool bound = false;
    bool resets = false;      // a voter whose life is ended by a request resets its machine
    std::uint32_t score = 0;  // of the heuristics
    Epoch held;               // the newest epoch whose votes this voter may have cast
    Epoch released;           // it casts for none up to this any more
    Epoch closed;             // this leader found all nodes outside this epoch's award closed
    Epoch needed;             // the least epoch that would be of use to this voter
    NodeSet wards;  // nodes without a path to the disk that this one may have told to cast
    std::uint32_t disk_step = 0;  // how far it is in the replacement of a disk
    std::vector<Echo> echoes;     // by node
    std::string rider;
    bool operator==(const Heartbeat&) const = default;

    bool closes() const { return released == held; }
};

std::string encode(const Heartbeat& heartbeat);
// Errors: those of open_page().
Result<Heartbeat> decode_heartbeat(std::string_view page, NodeId owner);
// The newer side of a node's page, of a disk's pages from 0 on. Errors: those of the first side.
Result<Heartbeat> newest_heartbeat(std::string_view pages, NodeId owner);

}  // namespace quorate::quorum
