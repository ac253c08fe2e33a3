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

    bool same_generation(const Witness& other) const;
    bool reserves() const { return reserved > generation; }

    // Of the same set: the newer generation, the greater reservation. What is known is never less
    // than it was.
    void learn(const Witness& other);
};

// What is known of one set, by this node's page and by those of all others together. A set that
// nobody knows has generation 0 and reservation 0.
//
// A word either *reserves* a number (`reserved` above `generation`, which is the one that is known)
// or *advances* to a generation whose number is the greatest reserved one. It is written only if
// that is so (admits()), and counts only if it is so still when all pages are read afterwards
// (stands()): of two nodes that reserve a number at once at least one sees the other.
struct Witnessed {
    Witness own;
    Witness others;

    Witness together() const;
    // The words of that set, from two lists of what pages know.
    static Witnessed find(const std::vector<Witness>& own, const std::vector<Witness>& others,
                          const Uuid& set);
    bool admits(const Witness& wanted) const;
    bool stands(const Witness& written) const;
};
// Of each set what both lists know.
std::vector<Witness> together(const std::vector<Witness>& one, const std::vector<Witness>& other);

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
