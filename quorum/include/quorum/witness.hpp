#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "quorum/page.hpp"

namespace quorate::quorum {

inline constexpr std::size_t kMaxWitnessed = 64;

// What a node knows of a shadow set (docs/formats/shadow-witness.md has the same on a node's own
// disk), and which of its members were whole: what a lone member is held against before it is
// believed. Generation 0: the set has never been mounted, and has no lineage.
struct Witness {
    Uuid set;
    Uuid lineage;
    std::uint64_t generation = 0;
    std::uint64_t generation_id = 0;
    std::uint64_t reserved = 0;  // the greatest number under which a change was begun
    std::uint32_t members = 0;   // mask
    bool operator==(const Witness&) const = default;

    // Of the same set: the newer generation, the greater reservation. What is known is never less
    // than it was.
    void learn(const Witness& other);
};

struct WitnessPage {
    NodeId node;
    std::uint64_t sequence = 0;
    Uuid cluster;

    std::vector<Witness> sets;  // by set
    bool operator==(const WitnessPage&) const = default;
};

std::string encode(const WitnessPage& page);
// Errors: those of open_page().
Result<WitnessPage> decode_witness(std::string_view page, NodeId owner);

}  // namespace quorate::quorum
