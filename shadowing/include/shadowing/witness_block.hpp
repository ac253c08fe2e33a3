#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "shadowing/mount_plan.hpp"

// What a node remembers of a set, to prove later that a disk is old
// (docs/formats/shadow-witness.md).
namespace quorate::shadowing {

inline constexpr std::size_t kWitnessBlock = 80;

struct WitnessBlock {
    Id128 set;
    std::optional<WitnessWord> word;
    std::uint64_t reserved = 0;
    bool operator==(const WitnessBlock&) const = default;
};

// kWitnessBlock octets.
std::string encode(const WitnessBlock& block);
// Errors: errc::not_a_member (no magic), errc::unsupported_version, errc::damaged.
Result<WitnessBlock> decode_witness_block(std::string_view bytes);

}  // namespace quorate::shadowing
