#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cluster/group_message.hpp"
#include "cluster/membership.hpp"

namespace quorate::cluster {

using Hellos = std::map<GroupMember, Hello>;

struct Verdict {
    GroupMember process;
    Refusal refusal;
};

// What the members of one configuration agree on, if all of them vouch for it.
struct Proposal {
    View view;
    Lineage lineage;          // what becomes durable with the epoch, if the view is quorate
    bool needs_disk = false;  // without the quorum disk it would not be quorate
    std::uint64_t hash = 0;
    std::vector<GroupMember> vouchers;  // the members' processes
};

struct Decision {
    std::vector<Verdict> refused;
    std::optional<Proposal> proposal;  // nothing if nobody may stay
};

// A pure function of the hellos: members that heard the same decide the same. Rules, in order:
//   1. cluster name and key: those of members that run stay, else those of who was a member
//      before, whatever votes newcomers have; else those of the most votes (then the newest
//      lineage, then the lowest node id);
//   2. the lineages that no other supersedes count: an incarnation that was, or may have been, in
//      an older membership with quorum, and is not in one of these, is expelled. Several count only
//      if somebody vouched for one on what it had heard before another; then any of them may have
//      been committed;
//   3. one process per node id: the one with a past stays, else the lowest incarnation;
//   4. the active level is the lineages'; before there is one, the highest that most votes speak.
//      Who does not speak it is refused;
//   5. a node whose earlier lives crowd the list of the lost waits.
Decision decide(const Hellos& hellos);

}  // namespace quorate::cluster
