#include "wards.hpp"

#include <algorithm>

namespace quorate::quorum {
namespace {
// A life's askings count up from a random number: what is further apart is of two lives.
constexpr std::uint64_t kMostAskings = 1'000'000;
}  // namespace

void Wards::restore(BootTime now, NodeSet listed) {
    for (std::uint32_t n = 1; n <= kMaxNodes; ++n) {
        if (listed.has(NodeId(n))) {
            wards_[NodeId(n)].until = now + timing_.lease;
        }
    }
}

NodeSet Wards::listed() const {
    NodeSet nodes;
    for (const auto& [node, ward] : wards_) {
        nodes.add(node);
    }
    return nodes;
}

bool Wards::ask(BootTime now, NodeId node, std::uint64_t nonce) {
    const auto [it, first] = wards_.try_emplace(node);
    it->second.until = std::max(it->second.until, now + timing_.lease);
    it->second.nonce = nonce;
    return first;
}

bool Wards::given_back(NodeId node, std::uint64_t nonce) {
    const auto it = wards_.find(node);
    if (it == wards_.end() || (it->second.nonce && nonce - *it->second.nonce > kMostAskings)) {
        return false;
    }
    wards_.erase(it);
    return true;
}

void Wards::submitted(std::uint64_t sequence) {
    for (auto& [node, ward] : wards_) {
        if (!ward.listed_with) {
            ward.listed_with = sequence;
        }
    }
}

void Wards::confirmed(std::uint64_t sequence) {
    for (auto& [node, ward] : wards_) {
        ward.ready = ward.ready || (ward.listed_with && *ward.listed_with <= sequence);
    }
}

bool Wards::ready(NodeId node) const {
    const auto it = wards_.find(node);
    return it != wards_.end() && it->second.ready;
}

void Wards::granted(NodeId node, BootTime until) {
    auto& ward = wards_.at(node);
    ward.until = std::max(ward.until, until);
}

bool Wards::waiting() const {
    return std::ranges::any_of(wards_, [](const auto& one) { return !one.second.ready; });
}

bool Wards::expire(BootTime now) {
    const auto after = timing_.surely_stopped();
    return std::erase_if(wards_, [&](const auto& one) { return now >= one.second.until + after; }) >
           0;
}

BootTime Wards::deadline() const {
    auto next = BootTime::max();
    for (const auto& [node, ward] : wards_) {
        next = std::min(next, ward.until + timing_.surely_stopped());
    }
    return next;
}

}  // namespace quorate::quorum
