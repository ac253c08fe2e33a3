#pragma once

#include <functional>
#include <map>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "disk_bench.hpp"
#include "quorum/types.hpp"

namespace quorate::quorum {

// Whether another voter has this node's place on a disk (a machine that was cloned, say). The voter
// reads right after it has written, and so may never see the other's page; this looks in between.
// A page of another life that moves is of one that lives; once it may also be the last writing of a
// dead one, landing late. Of two that live the one with the greater incarnation ends, so that one
// goes on.
class PlaceWatch {
public:
    // Pure: what the sightings so far prove.
    class Sightings {
    public:
        explicit Sightings(Incarnation self) : self_(self) {}
        // Another voter lives, and this one is to end.
        bool add(Incarnation incarnation, std::uint64_t sequence);
        // Whether this one is the one to go on, if it is thrown out of its place: a lesser one was
        // not seen to move.
        bool prevails() const;

    private:
        Incarnation self_;
        struct Life {
            std::uint64_t sequence = 0;
            unsigned moves = 0;
        };
        std::map<Incarnation, Life> lives_;
    };

    using Found = std::function<void()>;
    PlaceWatch(boost::asio::io_context& io, DiskBench& disks, NodeId self, Incarnation incarnation)
        : io_(io), disks_(disks), self_(self), sightings_(incarnation) {}

    bool prevails() const { return sightings_.prevails(); }
    // Until `stopping()`; calls `found` once, when this voter is the one to end.
    boost::asio::awaitable<void> run(std::chrono::milliseconds heartbeat,
                                     std::function<bool()> stopping, Found found);

private:
    boost::asio::io_context& io_;
    DiskBench& disks_;
    NodeId self_;
    Sightings sightings_;
    bool proven_ = false;
};

}  // namespace quorate::quorum
