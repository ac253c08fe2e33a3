#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shadowing/types.hpp"

// What goes on in a shadow set beside the clients' requests, how much of it, and what the operator
// sees of all (set.hpp).
namespace quorate::shadowing {

enum class Work : std::uint8_t {
    kMerge,  // of what lost openers left
    kCopy,   // to new members and those that came back
    kScrub   // reads all sources and compares them, over and over
};
inline constexpr std::size_t kWorks = 3;
std::string_view name_of(Work work);

// Clients come first: as long as this opener's ask for something, work gets at most its share of
// the time, a chunk at a time; else all of it.
struct Pace {
    bool runs = true;
    std::uint32_t share = 30;  // percent, 1 to 100: the priority
    bool operator==(const Pace&) const = default;
};
using Paces = std::array<Pace, kWorks>;  // by Work

struct WorkStatus {
    Pace pace;
    bool here = false;  // this opener does it
    std::string state;  // what it does, or why it does nothing, in one line
    std::uint64_t done_blocks = 0;
    std::uint64_t of_blocks = 0;               // 0: there is none to do here
    std::uint64_t blocks_per_second = 0;       // of the last seconds
    std::optional<std::chrono::seconds> left;  // nothing: it does not go on
};
// What this opener's scrub has found since it has the set mounted; in chunks.
struct ScrubFindings {
    std::uint64_t passes = 0;
    std::uint64_t mismatches = 0;  // sources were not equal, and made so
    std::uint64_t undecided = 0;   // of those, without a majority: the oldest source was taken
    std::uint64_t repaired = 0;    // a source could not read it, and was written
    std::uint64_t unreadable = 0;  // no source can read it
};
struct MemberStatus {
    std::string device;
    Role role = Role::kExpelled;
    std::string why;  // it is source or target, or neither, in one line
    std::uint64_t fence = 0;
    std::uint32_t queue = 0;
    std::chrono::microseconds latency{0};  // of reads, on average
    std::uint32_t read_cost = 1;
    bool other_site = false;  // read only when nothing nearer can be
};
struct SetStatus {
    bool mounted = false;
    std::string stalled;  // why nothing goes on; empty: it does
    Generation generation;
    Id128 lineage;
    std::uint64_t blocks = 0;  // of the virtual unit
    std::vector<MemberStatus> members;
    std::vector<OpenerSlot> to_merge;
    std::array<WorkStatus, kWorks> work;  // by Work
    ScrubFindings found;
    std::size_t hot_regions = 0;
    std::uint64_t intent_blocks = 0;

    const WorkStatus& of(Work one) const { return work[static_cast<std::size_t>(one)]; }
};

}  // namespace quorate::shadowing
