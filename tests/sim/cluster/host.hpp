#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>

#include "cluster/machine.hpp"
#include "sim/channels.hpp"
#include "sim/node_clock.hpp"

namespace quorate::cluster::simulator {

// Inputs by their kind.
enum class Channel { kGroup, kQuorum, kDisk, kFloor, kNetwork, kFencer, kTimer };
inline constexpr std::size_t kChannels = 7;

// What came over a connection.
struct Arrived {
    ConnectionId connection;
    std::string bytes;
};
using HostInput = std::variant<MachineInput, Arrived>;

// One machine: its clock, its disk, its lease page, and the clusterd on it.
struct Host {
    explicit Host(sim::NodeClock its_clock) : clock(its_clock) {}

    sim::NodeClock clock;
    bool on = false;
    bool frozen = false;          // the whole machine
    bool process_frozen = false;  // clusterd alone
    bool corosync_down = false;   // Corosync alone
    bool connected = true;        // clusterd with Corosync, as far as Corosync is concerned
    std::optional<Floor> durable;

    // ---- the process
    std::unique_ptr<Machine> machine;
    std::uint32_t process = 0;
    MemberId id;
    sim::Channels<HostInput, kChannels> channels;
    bool busy = false;
    std::optional<Floor> unflushed;
    std::optional<sim::Time> armed;
    std::set<MemberId> pressed;  // members for whom back-pressure is on

    bool runs() const { return on && machine && !frozen && !process_frozen; }
};

}  // namespace quorate::cluster::simulator
