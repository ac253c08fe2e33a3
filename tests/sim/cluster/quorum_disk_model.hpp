#pragma once

#include <functional>
#include <vector>

#include "cluster/membership.hpp"
#include "corosync_model.hpp"
#include "sim/event_queue.hpp"
#include "sim/node_clock.hpp"

namespace quorate::cluster::simulator {

// quorumd on every node, and its disk, as /quorum proves them: at any real time the leases of at
// most one partition are valid; a deadline once published binds, also after quorumd resigned; a
// hold begins with a look at every page's floor; the vote that votequorum counts may be stale for
// seconds after the lease is over.
class QuorumDiskModel {
public:
    struct Options {
        std::uint32_t votes = 0;  // 0: there is none
        bool restless = false;    // gives the votes up now and then, without need
        std::vector<sim::NodeClock> clocks;
    };
    QuorumDiskModel(sim::EventQueue& events, Random& random, Corosync& corosync, Options options,
                    std::function<void(std::size_t node, QuorumDisk)> publish);

    // quorumd of a node hangs, alone or with its machine.
    void freeze(std::size_t node, bool frozen) { voters_[node].frozen = frozen; }
    // From here on nobody gives the votes up without need.
    void calm() { calm_ = true; }
    bool is_calm() const { return calm_; }
    // What a clusterd that starts finds published.
    void tell(std::size_t node) { publish_(node, voters_[node].published); }
    void read(std::size_t node, std::uint64_t number);
    void write(std::size_t node, const Floor& floor) { voters_[node].page = floor; }
    // Whether the node's lease is valid at this moment; exclusive between partitions.
    bool holds(std::size_t node) const;

private:
    struct Voter {
        bool frozen = false;
        std::uint64_t read_wanted = 0;
        std::uint64_t holds = 0;
        QuorumDisk published;
        MonoTime binding;  // the latest deadline published
        Floor page;
    };
    void cycle(std::size_t node);
    void answer(std::size_t node);
    bool others_are_out(std::size_t node) const;
    void cast_soon(std::size_t node, bool vote);

    sim::EventQueue& events_;
    Random& random_;
    Corosync& corosync_;
    Options options_;
    std::function<void(std::size_t, QuorumDisk)> publish_;
    std::vector<Voter> voters_;
    bool calm_ = false;
};

}  // namespace quorate::cluster::simulator
