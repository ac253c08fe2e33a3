#include "sightings.hpp"

#include <algorithm>

namespace quorate::quorum {

void Sightings::learn(const Sighting& one) {
    if (!has_place(one.node)) {
        return;
    }
    const auto [it, first] = latest_.try_emplace(one.node, one);
    auto& known = it->second;
    const bool more = one.ring == known.ring && known.boot == Uuid() && one.boot != Uuid();
    if (first || more || one.ring.sequence > known.ring.sequence) {
        known = one;
        news_ = true;
    }
}

void Sightings::seen(RingId ring, NodeSet members) {
    for (std::uint32_t n = 1; n <= kMaxNodes; ++n) {
        if (members.has(NodeId(n))) {
            learn({NodeId(n), ring, {}});
        }
    }
}

void Sightings::told(NodeId node, RingId ring, Uuid boot) { learn({node, ring, boot}); }

void Sightings::heard(const std::vector<Sighting>& others) {
    for (const auto& one : others) {
        learn(one);
    }
}

std::uint64_t Sightings::newest() const {
    std::uint64_t sequence = 0;
    for (const auto& [node, one] : latest_) {
        sequence = std::max(sequence, one.ring.sequence);
    }
    return sequence;
}

std::vector<Sighting> Sightings::all() const {
    std::vector<Sighting> list;
    for (const auto& [node, one] : latest_) {
        list.push_back(one);
    }
    return list;
}

bool Sightings::is_present(NodeId node, const Heartbeat& page) const {
    const auto it = latest_.find(node);
    if (it == latest_.end()) {
        return true;
    }
    const auto& [who, ring, boot] = it->second;
    if (page.ring == ring && boot == Uuid()) {
        return true;
    }
    return boot == page.boot || page.ring.sequence > ring.sequence;
}

}  // namespace quorate::quorum
