#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/clock.hpp"
#include "cluster/floor.hpp"
#include "cluster/lease_page.hpp"
#include "cluster/membership.hpp"
#include "cluster/view.hpp"

// Until when this node may act, and from when on a lost one surely may not.
//
// Members send each other heartbeats with the time of sending. A lease runs `length` from the
// sending of the newest heartbeat that members with quorum acknowledged, this one included. A
// member acknowledges only those that are in its view, and remembers when it last did.
//
// When a view without a life is adopted by all its members, each of them knows a time after which
// that life had no lease: its own last acknowledgement, or its own start, plus the length of the
// lease, both clocks' errors included. Of the members that made up the lost life's quorum at least
// one is among them, since any two quorums share a voter.
//
// The quorum disk is a voter too: it acknowledges by having its floors read. A view that needs its
// votes has its epoch on the disk before anybody commits it, so a read that shows no epoch above
// this view's came before such a view; whoever adopts one counts from there.
namespace quorate::cluster {

struct LeaseOptions {
    MemberId self;
    std::chrono::milliseconds length{1500};
    bool solo = false;  // for ever
};

class Lease {
public:
    // The incarnation starts: what the node acknowledged before it does not remember.
    Lease(LeaseOptions options, BootTime now);

    // ---- the view

    // `quorum`: the greatest of the view and of what this node has vouched for since.
    void adopt(BootTime now, const View& view);
    void raise_quorum(std::uint32_t quorum);
    void lose_quorum() { lost_quorum_ = true; }
    void expel() { expelled_ = true; }
    void stop() { stopped_ = true; }

    // ---- heartbeats

    // One goes out now.
    void sent(BootTime now) { newest_ = now; }
    void acknowledged(MemberId by, BootTime sent);
    // Whether to acknowledge the one that came. `length` is that of the sender's lease.
    bool acknowledges(BootTime now, MemberId sender, std::chrono::milliseconds length);

    // ---- the quorum disk

    // Whether its floors are to be read anew, because acknowledgements of members alone do not keep
    // the lease going.
    bool needs_disk(BootTime now) const;
    // They were asked for now; until disk_read() or another asking.
    void ask_disk(BootTime now) { disk_asked_ = now; }
    bool disk_asked() const { return disk_asked_.has_value(); }
    // What was asked for came. `held_until`: the end of quorumd's lease.
    void disk_read(Epoch floor);
    // quorumd's lease as it stands, for the ring of this node's group; votes 0: not held.
    void disk_held(std::uint32_t votes, BootTime until);

    // ---- what it comes to

    // State, reason, deadline, epoch and incarnation.
    LeasePage page(BootTime now) const;
    // From when on the lost life has no lease.
    BootTime over(MemberId lost) const;

private:
    struct Vote {
        BootTime sent;
        std::uint32_t votes = 0;
    };
    std::optional<BootTime> quorum_reached(std::optional<Vote> disk) const;
    BootTime until() const;

    LeaseOptions options_;
    BootTime started_;
    std::optional<View> view_;
    bool lost_quorum_ = false;
    bool expelled_ = false;
    bool stopped_ = false;
    std::uint32_t quorum_ = 0;
    std::optional<BootTime> newest_;         // heartbeat sent
    std::map<MemberId, BootTime> heard_by_;  // the newest of ours that each acknowledged

    struct Given {
        BootTime last;  // acknowledgement
        std::chrono::milliseconds length{0};
    };
    std::map<MemberId, Given> given_;
    BootTime needed_disk_;  // when a view was adopted that is quorate only by the disk's votes

    std::optional<BootTime> disk_asked_;
    std::optional<BootTime> disk_acknowledged_;
    std::uint32_t disk_votes_ = 0;
    BootTime disk_until_;
};

}  // namespace quorate::cluster
