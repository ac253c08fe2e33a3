#pragma once

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "cluster/circuit.hpp"
#include "cluster/machine.hpp"
#include "frame.hpp"

namespace quorate::cluster {

// The circuits to the other members of the view, and the connections under them: who dials, when
// again, and whose connection it is that was accepted.
class Links {
public:
    struct Heard {
        MemberId peer;
        HeartbeatHeard heartbeat;
    };
    struct HeardBy {
        MemberId peer;
        BootTime sent;
    };

    explicit Links(const MachineOptions& options);

    void adopt(BootTime now, const View& view);
    void close_all(BootTime now, const std::string& reason);

    void accepted(BootTime now, ConnectionId connection);
    void dialled(BootTime now, const Dialled& input);
    void dial_failed(BootTime now, const DialFailed& input);
    void received(BootTime now, ConnectionId connection, std::string_view bytes);
    void written(BootTime now, ConnectionId connection);
    void closed(BootTime now, ConnectionId connection, const std::string& reason);

    Status send(BootTime now, MemberId to, Channel channel, std::string_view payload);
    void beat(BootTime now, std::chrono::milliseconds lease);
    void acknowledge(BootTime now, const Heard& heard);
    void tick(BootTime now);
    std::optional<BootTime> deadline() const;

    void take_into(MachineOutputs& outputs) {
        std::ranges::move(out_, std::back_inserter(outputs));
        out_.clear();
    }
    std::vector<Heard> take_heard() { return std::exchange(heard_, {}); }
    std::vector<HeardBy> take_heard_by() { return std::exchange(heard_by_, {}); }
    // Whether a ring came up since: it is time for a heartbeat.
    bool take_came_up() { return std::exchange(came_up_, false); }
    std::vector<CircuitStatus> status() const;

private:
    struct Line {
        std::optional<ConnectionId> connection;
        bool dialling = false;
        std::optional<BootTime> retry;
        std::chrono::milliseconds pause{0};
        std::string problem;
    };
    struct Peer {
        Member member;
        Circuit circuit;
        std::vector<Line> lines;
    };
    struct Place {
        NodeId peer;
        std::uint32_t ring = 0;
    };
    // Accepted, and not yet anybody's.
    struct Incoming {
        BootTime until;
        FrameReader reader{kMaxHello};
        std::optional<CircuitHello> hello;
    };

    void add(BootTime now, const Member& member, Epoch since);
    void remove(BootTime now, Peer& peer, const std::string& reason);
    void dial(BootTime now, Peer& peer, std::uint32_t ring);
    void retry_later(BootTime now, Peer& peer, std::uint32_t ring, const std::string& problem);
    void release(Peer& peer, std::uint32_t ring);
    bool admit(BootTime now, ConnectionId connection, const CircuitHello& hello);
    std::string objection(const CircuitHello& hello) const;
    void refuse(ConnectionId connection, const std::string& reason);
    void read_hello(BootTime now, ConnectionId connection, Incoming& incoming,
                    std::string_view bytes);
    // Carries out what the circuit said.
    void drain(BootTime now, Peer& peer);
    void carry_out(BootTime now, Peer& peer, CircuitOutput& output);
    void note(LogLevel level, std::string event, std::string text) {
        out_.emplace_back(Note{level, std::move(event), std::move(text)});
    }

    MemberId self_;
    std::string cluster_name_;
    LevelRange levels_;
    std::size_t rings_;
    std::chrono::milliseconds heartbeat_;

    std::map<NodeId, Peer> peers_;
    std::unordered_map<ConnectionId, Place> places_;
    std::unordered_map<ConnectionId, Incoming> incoming_;
    std::vector<CircuitOutput> said_;  // by the circuit that is drained
    MachineOutputs out_;
    std::vector<Heard> heard_;
    std::vector<HeardBy> heard_by_;
    bool came_up_ = false;
};

}  // namespace quorate::cluster
