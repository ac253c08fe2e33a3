#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "cluster/view.hpp"

// What clusterd publishes to every process of its node that touches shared data: a page of shared
// memory, run/quorate/lease (docs/formats/lease-page.md). cluster/lease_reader.hpp reads it.
namespace quorate::cluster {

enum class LeaseState : std::uint32_t {
    kRunning = 1,  // until the deadline
    kStalled = 2,  // wait: it may run again
    kExpelled = 3  // final: drop everything and start anew
};

// Why a lease does not run.
enum class StallReason : std::uint32_t {
    kNone = 0,
    kForming = 1,       // no view yet
    kNoQuorum = 2,      // the view has not, or has no longer, the votes
    kUnheard = 3,       // members with quorum did not acknowledge in time
    kStopped = 4,       // clusterd ended
    kWriterSilent = 5,  // clusterd does not run: said by readers only
    kAnotherLife = 6,   // clusterd started anew: said by readers only, with kExpelled
};
std::string_view text_of(StallReason reason);

inline constexpr BootTime kLeaseForEver = BootTime::max();

struct LeasePage {
    Epoch epoch;
    Incarnation incarnation;
    LeaseState state = LeaseState::kStalled;
    StallReason reason = StallReason::kForming;
    BootTime deadline;       // of kRunning: nothing may be done at or after it
    std::uint64_t boot = 0;  // which start of the machine the deadline belongs to
    bool operator==(const LeasePage&) const = default;
};

// The page as its 64-bit words, in the machine's own order; word kLeaseSequence is left to the
// writer.
inline constexpr std::size_t kLeaseWords = 8;
inline constexpr std::size_t kLeaseSequence = 1;
using LeaseWords = std::array<std::uint64_t, kLeaseWords>;
LeaseWords encode(const LeasePage& page);
// Errors: errc::damaged, errc::unsupported_version.
Result<LeasePage> decode_lease_page(const LeaseWords& words);

}  // namespace quorate::cluster
