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
    // False when it is out of date: the member has spoken since.
    bool hear(const Silent& silent);

    // No proposal that a member with this name and key is in has a lower one, as far as this member
    // has heard: floors only rise, those of other clusters and of the disk may not count.
    Epoch least_epoch(const std::string& cluster_name, const std::string& key_fingerprint) const;
    std::size_t group_size() const { return group_.size(); }

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
    Hellos first_hellos_;  // without the silent
    std::map<GroupMember, Vouch> vouches_;
    std::set<GroupMember> silent_;
    std::optional<Decision> decision_;
};

}  // namespace quorate::cluster
