#pragma once

#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "quorum/ballot.hpp"
#include "quorum/header.hpp"
#include "quorum/heartbeat.hpp"
#include "quorum/request.hpp"
#include "quorum/witness.hpp"

// The pages of the worked example in docs/formats/quorum-disk.md.
namespace quorate::quorum::testing {

inline constexpr Uuid kCluster{0xc1, 0xc2};
inline constexpr Uuid kDisk{0xd1, 0xd2};

// A changed page gets the checksum that makes it one.
inline void seal_again(std::string& page) {
    page.resize(kPageBytes - 4);
    ByteWriter(page).u32(crc32c(page));
}

inline Header header() {
    Header header;
    header.cluster = kCluster;
    header.disk = kDisk;
    header.label = "mail";
    return header;
}

inline Heartbeat heartbeat() {
    Heartbeat heartbeat;
    heartbeat.node = NodeId(2);
    heartbeat.sequence = 300;
    heartbeat.cluster = kCluster;
    heartbeat.incarnation = Incarnation(0xa2);
    heartbeat.boot = {0xb1, 0xb2};
    heartbeat.ring = {NodeId(1), 8};
    heartbeat.members = NodeSet(3);
    heartbeat.votes = 2;
    heartbeat.state = VoterState::kHold;
    heartbeat.trusted = true;
    heartbeat.held = Epoch(5);
    heartbeat.released = Epoch(4);
    heartbeat.closed = Epoch(3);
    heartbeat.echoes = {{NodeId(1), 290}, {NodeId(2), 299}};
    heartbeat.rider = "rider";
    return heartbeat;
}

inline Ballot ballot() {
    Ballot ballot;
    ballot.node = NodeId(1);
    ballot.sequence = 3;
    ballot.cluster = kCluster;
    ballot.epoch = Epoch(5);
    ballot.entered = ballot.accepted = 65;
    ballot.award = ballot.committed_award = {{NodeId(1), 8}, NodeSet(3)};
    ballot.committed = Epoch(5);
    return ballot;
}

inline RequestPage request() {
    RequestPage page;
    page.node = NodeId(1);
    page.sequence = 1;
    page.cluster = kCluster;
    page.fences = {{NodeId(2), Incarnation(0xa2), Epoch(5), "hung"}};
    page.note = "note";
    return page;
}

inline WitnessPage witness() {
    WitnessPage page;
    page.node = NodeId(1);
    page.sequence = 1;
    page.cluster = kCluster;
    page.sets = {{{0xe1, 0xe2}, {0xf1, 0xf2}, 7, 0xabcd, 8, 3}};
    return page;
}

}  // namespace quorate::quorum::testing
