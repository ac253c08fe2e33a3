// What a voter hears from a peer of its ring after TLS, whole and to a machine that runs: a message
// that is understood is written back the same, and none makes the machine cast or fall.

#include <string>
#include <variant>

#include "base/assert.hpp"
#include "fuzz/input.hpp"
#include "message.hpp"
#include "quorum/voter.hpp"

namespace {

using namespace quorate;
using namespace quorate::quorum;

constexpr std::size_t kMinorAt = 5;
constexpr BootTime kStart{std::chrono::seconds(1000)};

Voter voter_in_a_ring() {
    VoterOptions options;
    options.self = NodeId(1);
    options.incarnation = Incarnation(7);
    options.cluster = {1, 2};
    options.publish = std::chrono::milliseconds(500);
    Voter voter(options);
    NodeSet both;
    both.add(NodeId(1));
    both.add(NodeId(2));
    const RingId ring{NodeId(1), 4};
    Configured configured;
    configured.nodes = {{NodeId(1), 1}, {NodeId(2), 1}};
    UseDisks disks;
    disks.current = {{DiskNumber(0), {3, 4}}};
    voter.step(kStart, configured);
    voter.step(kStart, disks);
    voter.step(kStart, RingChanged{ring, both});
    voter.step(kStart, Polled{ring, false, true});
    return voter;
}

// Only a grant makes a ward of it, and not for longer than a lease.
void hear(const std::string& bytes) {
    auto voter = voter_in_a_ring();
    const auto read = decode_message(bytes);
    const bool grant = read && std::holds_alternative<GrantLease>(*read);
    const auto now = kStart + std::chrono::milliseconds(1100);
    voter.step(now, Tick{});
    for (const NodeId from : {NodeId(3), NodeId(2)}) {
        for (const auto& output : voter.step(now, PeerSaid{from, bytes})) {
            const auto* poll = std::get_if<Poll>(&output);
            if (poll != nullptr && poll->cast) {
                QUORATE_ASSERT(grant && from == NodeId(2));
                QUORATE_ASSERT(poll->before <= now + Timing().lease);
            }
        }
        QUORATE_ASSERT(voter.deadline() > now);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string bytes(fuzz::as_text(data, size));
    if (const auto message = decode_message(bytes)) {
        const auto again = encode(*message);
        const auto same = decode_message(again);
        QUORATE_ASSERT(same && encode(*same) == again);
        if (bytes[kMinorAt] == again[kMinorAt]) {
            QUORATE_ASSERT(again == bytes);
        }
    }
    hear(bytes);
    return 0;
}
