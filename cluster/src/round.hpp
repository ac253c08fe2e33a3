#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "admission.hpp"
#include "cluster/group_message.hpp"

namespace quorate::cluster {

// What was heard in one configuration of the group: hellos, vouches, who is silent.
class Round {
public:
    Round(RingId ring, std::vector<GroupMember> group)
        : ring_(ring), group_(std::move(group)), configuration_(configuration_of(ring, group_)) {}

    RingId ring() const { return ring_; }
    const Configuration& configuration() const { return configuration_; }

    void hear(GroupMember sender, const Hello& hello);
    void hear(GroupMember sender, const Vouch& vouch) { vouches_[sender] = vouch; }
    // False when it is out of date: the member has spoken since. If it speaks again, the others may
    // have gone on without it meanwhile, from a proposal that it was in.
    bool hear(const Silent& silent);

    std::size_t group_size() const { return group_.size(); }
    // Somebody held the quorum disk.
    bool disk_spoken() const { return disk_spoken_; }

    // The attempt of the last hello heard; 0: none.
    std::uint32_t attempt_of(GroupMember member) const;
    // All have spoken, or are counted silent.
    bool complete() const;
    // Who has not spoken; when all have, who has not vouched for the proposal.
    std::vector<GroupMember> missing() const;
    // What the hellos lead to; computed once per change. Only when complete().
    const Decision& decision();
    // Every member of the proposal vouched for it.
    bool agreed() const;

private:
    bool vouched(GroupMember member) const;

    RingId ring_;
    std::vector<GroupMember> group_;
    Configuration configuration_;
    Hellos hellos_;
    std::map<GroupMember, Vouch> vouches_;
    bool disk_spoken_ = false;
    std::set<GroupMember> silent_;
    std::map<GroupMember, Epoch> offered_;   // least epoch of a proposal from its words
    std::map<GroupMember, Epoch> doubtful_;  // what the silent may have joined
    std::optional<Decision> decision_;
};

}  // namespace quorate::cluster
