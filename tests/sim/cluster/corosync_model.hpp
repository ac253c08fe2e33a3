#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "cluster/membership.hpp"
#include "sim/event_queue.hpp"

namespace quorate::cluster::simulator {

// Corosync as clusterd sees it: rings, extended virtual synchrony, and votequorum beside it.
//
// Kept: ring ids that only grow; one order of messages per ring; who goes from one ring to the next
// together has got the same messages on the first, its own among them; others may have got more or
// fewer; a message not yet ordered goes out on the next ring; joins and leaves of processes are
// ordered with the messages; after a merge the joined are told one by one under the old ring id.
// Left open, and drawn: when a loss is noticed, how late each node hears of anything, and which of
// CPG and votequorum speaks first.
class Corosync {
public:
    using CpgEvent = std::variant<GroupChanged, GroupDelivered>;
    struct Sink {
        std::function<void(std::size_t node, CpgEvent)> cpg;
        std::function<void(std::size_t node, QuorumChanged)> quorum;
    };
    struct Options {
        std::vector<std::uint32_t> votes;  // per node
        std::uint32_t disk_votes = 0;      // in expected votes
        std::function<bool(std::size_t, std::size_t)> connected;
    };
    Corosync(sim::EventQueue& events, Random& random, Options options, Sink sink);

    void power_on(std::size_t node);
    void power_off(std::size_t node);
    void freeze(std::size_t node);
    void thaw(std::size_t node);
    // Links were cut or healed.
    void topology_changed();

    void join(std::size_t node, std::uint32_t process);
    void leave(std::size_t node);
    void multicast(std::size_t node, std::string bytes);
    // The quorum device's vote at this node, as votequorum has it.
    void cast(std::size_t node, bool vote);

    bool running(std::size_t node) const { return machines_[node].on && !machines_[node].frozen; }
    // The machines on this one's ring, itself included.
    const std::vector<std::size_t>& ring_members(std::size_t node) const {
        return machines_[node].ring->members;
    }
    RingId ring_id(std::size_t node) const { return machines_[node].ring->id; }
    bool ring_works(std::size_t node) const { return works(*machines_[node].ring); }
    static NodeId id_of(std::size_t node) { return NodeId(static_cast<std::uint32_t>(node + 1)); }

private:
    struct Message {
        std::string bytes;
    };
    struct Join {};
    struct Leave {};
    struct Entry {
        std::size_t sender;
        std::uint32_t process;
        std::variant<Message, Join, Leave> what;
    };
    struct Ring {
        RingId id;
        std::vector<std::size_t> members;
        std::vector<Entry> log;
    };
    struct Machine {
        bool on = false;
        bool frozen = false;
        std::uint64_t boot = 0;
        std::shared_ptr<Ring> ring;  // shared by the machines that are on it
        std::size_t delivered = 0;   // entries of the ring's log
        std::deque<Entry> outbox;
        std::vector<GroupMember> group;  // as delivered here
        std::optional<std::uint32_t> process;
        bool in_group = false;
        bool cast = false;
        sim::Time deliver_ready{0};
        sim::Time cpg_ready{0};
        sim::Time quorum_ready{0};
        std::uint64_t ring_sequence = 0;
    };

    bool works(const Ring& ring) const;
    bool together(std::size_t a, std::size_t b) const;
    std::vector<std::vector<std::size_t>> cliques() const;
    void settle_later(sim::Time from, sim::Time to);
    void settle();
    void form(const std::vector<std::size_t>& members);
    void finish_old_ring(const std::vector<std::size_t>& together);
    void report_group(std::size_t node, const Ring& ring);
    void pump_all();
    void order_later(std::size_t node);
    void order(std::size_t node);
    void deliver_later(std::size_t node, const std::shared_ptr<Ring>& ring);
    void deliver(std::size_t node);
    void tell_cpg(std::size_t node, CpgEvent event);
    void tell_quorum(std::size_t node);

    sim::EventQueue& events_;
    Random& random_;
    Options options_;
    Sink sink_;
    std::vector<Machine> machines_;
};

}  // namespace quorate::cluster::simulator
