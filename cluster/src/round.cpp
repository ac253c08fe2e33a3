#include "round.hpp"

#include <algorithm>

#include "doubt.hpp"
#include "mutation.hpp"

namespace quorate::cluster {

void Round::hear(GroupMember sender, const Hello& hello) {
    if (std::ranges::find(group_, sender) == group_.end()) {
        return;
    }
    auto& heard = hellos_[sender] = hello;
    const auto doubt = doubtful_.find(sender);
    if (doubt != doubtful_.end() && heard.joined == Epoch(0) && !mutated("silence_forgives")) {
        heard.may_have_joined = earlier(heard.may_have_joined, doubt->second);
    }
    auto& offered = offered_[sender];
    offered = earlier(offered, first_epoch_from(hello));
    disk_spoken_ = disk_spoken_ || hello.disk_votes > 0;
    silent_.erase(sender);
    decision_.reset();
}

bool Round::hear(const Silent& silent) {
    const bool in_group = std::ranges::find(group_, silent.member) != group_.end();
    if (!in_group || attempt_of(silent.member) != silent.attempt) {
        return false;
    }
    const auto spoke = hellos_.find(silent.member);
    if (spoke != hellos_.end()) {
        auto& doubt = doubtful_[silent.member];
        doubt = earlier(doubt, offered_[silent.member]);
        hellos_.erase(spoke);
    }
    silent_.insert(silent.member);
    decision_.reset();
    return true;
}

std::uint32_t Round::attempt_of(GroupMember member) const {
    const auto it = hellos_.find(member);
    return it == hellos_.end() ? 0 : it->second.attempt;
}

bool Round::complete() const {
    return std::ranges::all_of(group_, [&](const GroupMember& member) {
        return hellos_.contains(member) || silent_.contains(member);
    });
}

std::vector<GroupMember> Round::missing() const {
    std::vector<GroupMember> missing;
    if (!complete()) {
        std::ranges::copy_if(group_, std::back_inserter(missing), [&](const GroupMember& member) {
            return !hellos_.contains(member) && !silent_.contains(member);
        });
    } else if (decision_ && decision_->proposal) {
        std::ranges::copy_if(decision_->proposal->vouchers, std::back_inserter(missing),
                             [&](const GroupMember& member) { return !vouched(member); });
    }
    return missing;
}

const Decision& Round::decision() {
    if (!decision_) {
        decision_ = decide(hellos_);
    }
    return *decision_;
}

bool Round::vouched(GroupMember member) const {
    const auto it = vouches_.find(member);
    return it != vouches_.end() && it->second.epoch == decision_->proposal->view.epoch &&
           it->second.proposal == decision_->proposal->hash;
}

bool Round::agreed() const {
    return decision_ && decision_->proposal &&
           std::ranges::all_of(decision_->proposal->vouchers,
                               [&](const GroupMember& member) { return vouched(member); });
}

}  // namespace quorate::cluster
