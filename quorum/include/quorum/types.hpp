#pragma once

#include <bit>
#include <compare>
#include <cstdint>

#include "base/random.hpp"
#include "base/strong.hpp"

// What the quorum disk's pages and its machine speak of.
namespace quorate::quorum {

// Corosync's nodeid. 1 to kMaxNodes: it is also the node's place on the disk.
using NodeId = Strong<struct NodeIdTag, std::uint32_t>;
// Number of one award of the disk's votes. 0: none. Not the epoch of a membership.
using Epoch = Strong<struct EpochTag, std::uint64_t>;
// Random number drawn at each start of a voter. 0 is none.
using Incarnation = Strong<struct IncarnationTag, std::uint64_t>;
// As in RFC 9562; how it is written does not matter here.
using Uuid = Id128;

inline constexpr std::uint32_t kMaxNodes = 64;

// Whether a node id has a place on the disk.
constexpr bool has_place(NodeId node) { return node.value() >= 1 && node.value() <= kMaxNodes; }

// One membership of Corosync, told apart for ever.
struct RingId {
    NodeId node;
    std::uint64_t sequence = 0;
    auto operator<=>(const RingId&) const = default;
};

// Nodes that have a place: bit n - 1 is node n.
class NodeSet {
public:
    constexpr NodeSet() = default;
    constexpr explicit NodeSet(std::uint64_t bits) : bits_(bits) {}

    constexpr std::uint64_t bits() const { return bits_; }
    constexpr bool has(NodeId node) const { return has_place(node) && (bits_ & bit(node)) != 0; }
    constexpr void add(NodeId node) { bits_ |= bit(node); }
    constexpr void remove(NodeId node) { bits_ &= ~bit(node); }
    constexpr bool empty() const { return bits_ == 0; }
    constexpr unsigned size() const { return static_cast<unsigned>(std::popcount(bits_)); }
    // Of a set that is not empty.
    constexpr NodeId lowest() const {
        return NodeId(static_cast<std::uint32_t>(std::countr_zero(bits_)) + 1);
    }
    constexpr bool operator==(const NodeSet&) const = default;

private:
    static constexpr std::uint64_t bit(NodeId node) {
        return has_place(node) ? std::uint64_t{1} << (node.value() - 1) : 0;
    }
    std::uint64_t bits_ = 0;
};

// Whom an epoch's votes are for.
struct Award {
    RingId ring;
    NodeSet members;
    bool operator==(const Award&) const = default;
};

}  // namespace quorate::quorum
