#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "cluster/view.hpp"

namespace quorate::cluster::simulator {

// What must never happen, checked with every event that a machine gives out. The first breach is
// kept; none: empty.
class Oracle {
public:
    void committed(MemberId by, const View& view);
    // It ends because a machine of another cluster has more votes.
    void outvoted(MemberId member);

    const std::string& breach() const { return breach_; }
    std::size_t quorate_epochs() const { return quorate_.size(); }

private:
    void fail(std::string what) {
        if (breach_.empty()) {
            breach_ = std::move(what);
        }
    }
    void check_agreement(MemberId by, const View& view);
    void check_readmission(const View& view);
    void check_lost(const View& view);

    std::map<NodeId, Epoch> last_;  // per node, over all its lives
    std::map<Epoch, View> quorate_;
    std::map<Epoch, std::map<NodeId, View>> commits_;
    std::map<MemberId, Epoch> first_quorate_;  // that this life committed
    std::map<MemberId, Epoch> first_lost_;     // the first with quorum that counts it lost
    std::map<MemberId, Epoch> last_member_;    // the last with quorum that it is a member of
    bool committed_before(MemberId id, Epoch epoch) const;

    std::string breach_;
};

}  // namespace quorate::cluster::simulator
