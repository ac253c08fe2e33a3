#pragma once

#include <optional>
#include <set>
#include <vector>

#include "operation.hpp"

namespace quorate::shadowing {

// Makes a stretch equal on all sources, and on targets; reads what it then holds.
struct Job {
    Extent extent;
    bool sources = true;  // compare them
    bool targets = false;
    std::vector<RequestId> readers;
    // kDraining: begins anew when what it asked for has ended. kHalved: no source can read all of
    // it, its halves are jobs by themselves.
    enum class State : std::uint8_t {
        kWaiting,
        kReading,
        kComparing,
        kFixing,
        kDraining,
        kHalved
    } state = State::kWaiting;
    std::uint32_t attempts = 0;
    bool needs_stall = false;
    DeviceIndex authority = 0;
    std::optional<OpId> data;
    std::set<OpId> ops;
    Devices unreadable;
    Devices differs;
    std::optional<OpenerSlot> slot;  // for the merge of
    bool copy = false;
    bool scrub = false;
    Devices outvoted;        // scrub: were the authority, and in a minority
    bool undecided = false;  // there is no majority
    bool reported = false;
    std::uint32_t fixes = 0;  // of sources, while nobody wrote
    std::optional<BootTime> begun_at;
    std::optional<std::uint64_t> whole;  // the job of which it is a half
    std::size_t halves = 0;              // of it, that go on
    bool half_unreadable = false;
};

}  // namespace quorate::shadowing
