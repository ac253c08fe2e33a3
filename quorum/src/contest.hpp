#pragma once

#include <compare>
#include <optional>
#include <string>

#include "quorum/voter.hpp"
#include "slots.hpp"

// Who should have the votes: a preference only. Nothing here is needed for safety.
namespace quorate::quorum {

// What is known of the cluster as configured.
class Electorate {
public:
    void configure(const Configured& configured);
    NodeSet nodes() const { return nodes_; }
    std::uint32_t votes_of(NodeSet members) const;
    std::uint32_t quorum() const { return (votes_of(nodes_) + disk_votes_) / 2 + 1; }
    std::uint32_t disk_votes() const { return disk_votes_; }
    std::optional<NodeId> tie_breaker() const { return tie_breaker_; }
    std::uint32_t highest() const;

    // With the disk's votes; without.
    bool eligible(NodeSet members) const { return votes_of(members) + disk_votes_ >= quorum(); }
    bool natural(NodeSet members) const { return votes_of(members) >= quorum(); }

private:
    std::vector<NodeVotes> votes_;
    NodeSet nodes_;
    std::uint32_t disk_votes_ = 0;
    std::optional<NodeId> tie_breaker_;
};

// A partition's figure of merit, the greater the better.
struct Merit {
    std::uint32_t votes = 0;
    std::uint32_t nodes = 0;
    std::uint64_t score = 0;
    bool tie_breaker = false;
    std::uint32_t lowest = 0;  // as -id
    auto operator<=>(const Merit&) const = default;
};

struct ContestView {
    const Slots& slots;
    const Electorate& electorate;
    const Timing& timing;
    NodeId self;
    RingId ring;
    NodeSet members;
    bool trusted = false;
    std::uint32_t score = 0;
    BootTime now;
};

// Whom to leave the votes to; nothing if nobody is better.
std::optional<NodeId> superior(const ContestView& view);
// Whether nodes that are not in this ring seem not to have noticed yet that they are not.
bool unsettled(const ContestView& view);
// Of the ring's nodes that trust the disk the lowest; nothing if none does.
std::optional<NodeId> leader(const ContestView& view);

}  // namespace quorate::quorum
