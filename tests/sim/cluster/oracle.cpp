#include "oracle.hpp"

#include <algorithm>

#include <fmt/core.h>

namespace quorate::cluster::simulator {

void Oracle::committed(MemberId by, const View& view) {
    auto& last = last_[by.node];
    if (view.epoch <= last) {
        fail(fmt::format("node {} committed epoch {} after {}", by.node.value(), view.epoch.value(),
                         last.value()));
    }
    last = view.epoch;
    if (view.find(by) == nullptr) {
        fail(fmt::format("node {} committed epoch {} without itself", by.node.value(),
                         view.epoch.value()));
    }
    check_agreement(by, view);
    commits_[view.epoch][by.node] = view;
    if (view.quorate) {
        first_quorate_.emplace(by, view.epoch);
        if (quorate_.emplace(view.epoch, view).second) {
            check_readmission(view);
            check_lost(view);
        }
    }
}

// Whoever was a member in any of its lives is not, by those who never were.
void Oracle::outvoted(MemberId member) {
    for (const auto& [id, epoch] : first_quorate_) {
        if (id.node == member.node) {
            fail(fmt::format("node {} was a member in epoch {}, and strangers outvote it",
                             member.node.value(), epoch.value()));
        }
    }
}

// Members of a quorate epoch agree on its view; an epoch has at most one quorate view.
void Oracle::check_agreement(MemberId by, const View& view) {
    const auto quorate = quorate_.find(view.epoch);
    if (quorate != quorate_.end() && quorate->second != view &&
        (view.quorate || quorate->second.find(by.node) != nullptr)) {
        fail(fmt::format("node {} has another view of quorate epoch {}", by.node.value(),
                         view.epoch.value()));
    }
    if (!view.quorate) {
        return;
    }
    for (const auto& [node, other] : commits_[view.epoch]) {
        if (view.find(node) != nullptr && other != view) {
            fail(fmt::format("nodes {} and {} disagree on quorate epoch {}", node.value(),
                             by.node.value(), view.epoch.value()));
        }
    }
}

bool Oracle::committed_before(MemberId id, Epoch epoch) const {
    const auto it = first_quorate_.find(id);
    return it != first_quorate_.end() && it->second < epoch;
}

// Whoever was a member with quorum, and then was not, never is again in that life.
void Oracle::check_readmission(const View& view) {
    for (const auto& [epoch, later] : quorate_) {
        for (const auto& [between, without] : quorate_) {
            if (between >= epoch) {
                break;
            }
            for (const auto& member : later.members) {
                if (without.find(member.id) == nullptr && committed_before(member.id, between)) {
                    fail(
                        fmt::format("node {} is back in epoch {}, in the life that epoch {} had "
                                    "lost (seen with epoch {})",
                                    member.id.node.value(), epoch.value(), between.value(),
                                    view.epoch.value()));
                }
            }
        }
    }
}

// Whom a view with quorum counts lost, others may take over from: it is no member any more.
void Oracle::check_lost(const View& view) {
    for (const auto id : view.lost) {
        auto& epoch = first_lost_.emplace(id, view.epoch).first->second;
        epoch = std::min(epoch, view.epoch);
    }
    for (const auto& member : view.members) {
        auto& epoch = last_member_[member.id];
        epoch = std::max(epoch, view.epoch);
    }
    for (const auto& [id, since] : first_lost_) {
        const auto member = last_member_.find(id);
        if (member != last_member_.end() && member->second > since) {
            fail(fmt::format("node {} is a member in epoch {}, in a life that epoch {} counts lost",
                             id.node.value(), member->second.value(), since.value()));
        }
    }
}

}  // namespace quorate::cluster::simulator
