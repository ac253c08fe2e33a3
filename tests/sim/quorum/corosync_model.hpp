#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "quorum/timing.hpp"
#include "quorum/types.hpp"
#include "sim/event_queue.hpp"

namespace quorate::quorum::simulator {

// Rings, and of votequorum what concerns its device: a vote ages after vote_timeout; when the ring
// changes it stands for sync_timeout more while a word for the new ring is awaited; a word for
// another ring than the present is refused; a word counts at once.
class Corosync {
public:
    struct Options {
        std::size_t nodes = 0;
        Timing timing;
        std::function<bool(std::size_t, std::size_t)> connected;
    };
    struct Sink {
        std::function<void(std::size_t node, RingId ring, NodeSet members)> ring;
        std::function<void()> votes_changed;
    };
    Corosync(sim::EventQueue& events, Random& random, Options options, Sink sink);

    void power_on(std::size_t node);
    void power_off(std::size_t node);
    void freeze(std::size_t node);
    void thaw(std::size_t node);
    void topology_changed();

    // A voter comes to life: what it is told first.
    void track(std::size_t node);
    // False: for another ring.
    bool poll(std::size_t node, bool cast, RingId ring);

    struct Ring {
        RingId id;
        NodeSet members;
        bool operator==(const Ring&) const = default;
    };
    bool on(std::size_t node) const { return machines_[node].on; }
    bool running(std::size_t node) const { return machines_[node].on && !machines_[node].frozen; }
    const Ring& ring(std::size_t node) const { return machines_[node].ring; }
    // Whether the node's votequorum counts the device's vote, and for which ring it was given.
    bool counts(std::size_t node) const { return machines_[node].on && machines_[node].cast; }
    const Ring& voted_in(std::size_t node) const { return machines_[node].voted_in; }
    // Corosync was frozen since the vote was given.
    bool doubtful(std::size_t node) const { return machines_[node].doubtful; }
    // Other services wait for the voters of this ring.
    bool barred(std::size_t node) const;
    bool connected_ring(std::size_t node) const;

    static NodeId id_of(std::size_t node) { return NodeId(static_cast<std::uint32_t>(node + 1)); }

private:
    struct Machine {
        bool on = false;
        bool frozen = false;
        Ring ring;
        std::uint64_t sequence = 0;  // kept on disk
        bool alive = false;          // the device
        bool waiting = false;
        bool cast = false;
        bool doubtful = false;
        Ring voted_in;
        std::uint64_t timer = 0;  // number of the one that counts
        bool timer_due = false;   // while frozen
        std::uint64_t boot = 0;
        sim::Time told{0};
    };
    bool together(std::size_t a, std::size_t b) const;
    std::vector<NodeSet> cliques() const;
    void settle_later(sim::Time from, sim::Time to);
    void settle();
    void form(NodeSet members, bool starting = false);
    void arm(std::size_t node, std::chrono::milliseconds after);
    void expire(std::size_t node);
    void tell(std::size_t node);

    sim::EventQueue& events_;
    Random& random_;
    Options options_;
    Sink sink_;
    std::vector<Machine> machines_;
};

}  // namespace quorate::quorum::simulator
