#include "contest.hpp"

#include <algorithm>
#include <map>

namespace quorate::quorum {

void Electorate::configure(const Configured& configured) {
    votes_ = configured.nodes;
    disk_votes_ = configured.disk_votes;
    tie_breaker_ = configured.tie_breaker;
    nodes_ = {};
    for (const auto& one : votes_) {
        nodes_.add(one.node);
    }
}

std::uint32_t Electorate::votes_of(NodeSet members) const {
    std::uint32_t sum = 0;
    for (const auto& one : votes_) {
        sum += members.has(one.node) ? one.votes : 0;
    }
    return sum;
}

std::uint32_t Electorate::highest() const {
    std::uint32_t highest = 0;
    for (const auto& one : votes_) {
        highest = std::max(highest, one.node.value());
    }
    return highest;
}

namespace {

Merit merit_of(const Electorate& electorate, NodeSet members, std::uint64_t score) {
    Merit merit;
    merit.votes = electorate.votes_of(members);
    merit.nodes = members.size();
    merit.score = score;
    merit.tie_breaker = electorate.tie_breaker() && members.has(*electorate.tie_breaker());
    merit.lowest = members.empty() ? 0 : ~members.lowest().value();
    return merit;
}

// The page of a node that is about, as it stands; nothing of one that is not.
const Heartbeat* present(const ContestView& view, NodeId node) {
    const auto& reading = view.slots.of(node).heartbeat;
    if (reading.known != Known::kSound || reading.page.stopped ||
        !view.slots.moved(node, view.now, view.timing.silence)) {
        return nullptr;
    }
    return &reading.page;
}

struct Party {
    NodeSet members;
    NodeId speaker;
    std::uint64_t score = 0;
    bool contends = false;
    bool settled_holder = false;
};

std::map<RingId, Party> parties(const ContestView& view) {
    std::map<RingId, Party> found;
    for (std::uint32_t n = 1; n <= kMaxNodes; ++n) {
        const NodeId node(n);
        if (node == view.self || !view.electorate.nodes().has(node)) {
            continue;
        }
        const auto* page = present(view, node);
        if (page == nullptr) {
            continue;
        }
        auto& party = found[page->ring];
        party.members = page->members;
        party.score += page->score;
        const bool trusts = page->trusted;
        const bool wants = page->state == VoterState::kIdle || page->state == VoterState::kBid ||
                           page->state == VoterState::kFollow;
        if (trusts && (wants || page->state == VoterState::kHold)) {
            party.contends = true;
            party.speaker = node;
            party.settled_holder = party.settled_holder || page->state == VoterState::kHold;
        }
    }
    return found;
}

}  // namespace

std::optional<NodeId> superior(const ContestView& view) {
    const auto all = parties(view);
    auto score = std::uint64_t{view.score};
    if (const auto it = all.find(view.ring); it != all.end()) {
        score += it->second.score;
    }
    const auto own = merit_of(view.electorate, view.members, score);
    for (const auto& [ring, party] : all) {
        // Who still counts this node in has not noticed yet.
        if (ring == view.ring || party.members.has(view.self) || !party.contends ||
            view.members.has(party.speaker) || !view.electorate.eligible(party.members)) {
            continue;
        }
        if (party.settled_holder || merit_of(view.electorate, party.members, party.score) > own) {
            return party.speaker;
        }
    }
    return std::nullopt;
}

bool unsettled(const ContestView& view) {
    for (std::uint32_t n = 1; n <= kMaxNodes; ++n) {
        const NodeId node(n);
        const auto* page =
            view.electorate.nodes().has(node) && node != view.self ? present(view, node) : nullptr;
        if (page != nullptr && page->ring != view.ring &&
            (view.members.has(node) || page->members.has(view.self))) {
            return true;
        }
    }
    return false;
}

std::optional<NodeId> leader(const ContestView& view) {
    for (std::uint32_t n = 1; n <= kMaxNodes; ++n) {
        const NodeId node(n);
        if (!view.members.has(node)) {
            continue;
        }
        if (node == view.self) {
            if (view.trusted) {
                return node;
            }
            continue;
        }
        const auto* page = present(view, node);
        if (page != nullptr && page->ring == view.ring && page->trusted &&
            page->state != VoterState::kEvicted &&
            view.slots.moved(node, view.now, view.timing.lease)) {
            return node;
        }
    }
    return std::nullopt;
}

}  // namespace quorate::quorum
