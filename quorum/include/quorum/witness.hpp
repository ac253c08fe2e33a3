#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "quorum/page.hpp"

namespace quorate::quorum {

inline constexpr std::size_t kMaxWitnessed = 128;

// Which members of a shadow set were whole, as of a generation: what a lone member is held against
// before it is believed.
struct Witness {
    Uuid set;
    std::uint64_t generation = 0;
    std::uint32_t members = 0;  // mask
    bool operator==(const Witness&) const = default;
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
