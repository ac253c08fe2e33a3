#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "cluster/membership.hpp"
#include "sim/node_clock.hpp"

namespace quorate::cluster::simulator {

// Inputs of one kind keep their order; between kinds anything goes.
enum class Channel { kGroup, kQuorum, kDisk, kFloor, kTimer };
inline constexpr std::size_t kChannels = 5;

// One machine: its clock, its disk, and the clusterd on it.
struct Host {
    explicit Host(sim::NodeClock its_clock) : clock(its_clock) {}

    sim::NodeClock clock;
    bool on = false;
    bool frozen = false;          // the whole machine
    bool process_frozen = false;  // clusterd alone
    std::optional<Floor> durable;

    // ---- the process
    std::unique_ptr<Membership> machine;
    std::uint32_t process = 0;
    MemberId id;
    std::array<std::deque<MembershipInput>, kChannels> channels;
    bool busy = false;
    std::optional<Floor> unflushed;
    std::optional<sim::Time> armed;
    bool expelled = false;

    bool runs() const { return on && machine && !frozen && !process_frozen; }
};

}  // namespace quorate::cluster::simulator
