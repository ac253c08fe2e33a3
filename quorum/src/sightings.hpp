#pragma once

#include <map>
#include <utility>
#include <vector>

#include "message.hpp"
#include "quorum/heartbeat.hpp"
#include "quorum/types.hpp"

namespace quorate::quorum {

// Which boot of each node the members of this ring saw last: whether what a page says is of the
// machine as it runs now, or of one that has started again since and has not written.
//
// A machine that has started again is in none of its old rings: who sees it sees it in a later one.
class Sightings {
public:
    // This node is in that ring, with all of them.
    void seen(RingId ring, NodeSet members);
    // One of them says which boot it is.
    void told(NodeId node, RingId ring, Uuid boot);
    // What another has seen.
    void heard(const std::vector<Sighting>& others);
    // The sequence of the latest ring in which anybody was seen; 0 if nobody was.
    std::uint64_t newest() const;
    // Something changed since this was asked last.
    bool take_news() { return std::exchange(news_, false); }
    // For the others: whom it does not see any more, and whom it does.
    std::vector<Sighting> all() const;

    // Whether nobody has seen that node in a ring later than those of the life that wrote the page,
    // except as that boot.
    bool is_present(NodeId node, const Heartbeat& page) const;

private:
    void learn(const Sighting& one);

    std::map<NodeId, Sighting> latest_;
    bool news_ = false;
};

}  // namespace quorate::quorum
