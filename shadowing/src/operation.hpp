#pragma once

#include <array>
#include <bitset>
#include <optional>
#include <set>
#include <string>

#include "shadowing/set.hpp"

// What is under way on members, and what is known of the devices.
namespace quorate::shadowing {

using Devices = std::bitset<kMaxMembers>;

// What an operation is for: who hears how it ended.
enum class Purpose : std::uint8_t {
    kRead,
    kWrite,
    kFlush,
    kIntent,
    kLabelForChange,
    kLabelForAdoption,
    kLabelForAddition,
    kWitnessRead,
    kWriteLabel,
    kClearLog,
    kReserve,
    kWriteWitness,
    kSlot,
    kClearSlot,
    kLogCheck,
    kChanges,
    kRoom,
    kExpand,
    kCleanLabel,
    kJob
};

inline bool is_of_witness(Purpose purpose) {
    return purpose == Purpose::kWitnessRead || purpose == Purpose::kReserve ||
           purpose == Purpose::kWriteWitness;
}

struct Op {
    DeviceIndex device = 0;
    Purpose purpose = Purpose::kRead;
    std::uint64_t owner = 0;  // request, slot, job, round
    std::uint64_t since = 0;  // the stint of the member for which it was asked
    BootTime started;
    bool late = false;
    std::optional<BootTime> again_at;  // was refused
    SetOutput output;
};

// One thing that every member must do, each once per stint in the set.
struct Fanout {
    std::array<std::uint64_t, kMaxMembers> done{};  // since + 1
    // Until it has ended it may take effect, whatever the member's role is by then.
    Devices under_way;
};

struct Device {
    std::string name;
    std::uint32_t read_cost = 1;
    std::uint32_t site = 0;
    std::optional<Label> label;  // as read last
    std::uint64_t life = 0;
    std::uint64_t room_blocks = 0;
    Id128 member;  // which member it is, if it is one
    bool suspect = false;
    bool locked = false;  // its kMember lock is held
    bool locking = false;
    bool closing = false;
    std::set<OpId> late_labels;  // nobody waits for them any more, but they may still land
    std::uint32_t queue = 0;
    std::int64_t latency_us = 0;  // of reads, on average
    BootTime latency_at{};        // of the newest
    std::string reason;           // why it left, or is about to
};

}  // namespace quorate::shadowing
