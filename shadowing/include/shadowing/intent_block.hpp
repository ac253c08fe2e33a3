#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "cluster/view.hpp"
#include "shadowing/types.hpp"

// The write-intent log on a member (docs/formats/write-intent-log.md): per opener two blocks,
// written in turn, of which the newer sound one names every region in which a write may be under
// way; and, while a member is away that is to come back by minicopy, every region that was left out
// since (the change map). Each is the whole truth: nothing has to be replayed.
namespace quorate::shadowing {

inline constexpr std::size_t kIntentBlocks = 2;
inline constexpr std::size_t kIntentOctets = 2 * kMetaBlock;   // of each
inline constexpr std::size_t kChangedOctets = kMetaBlock - 8;  // of a change map
inline constexpr std::size_t kChangedBits = 8 * kChangedOctets;
inline constexpr std::size_t kMaxHotRegions = 1008;
inline constexpr std::uint8_t kMaxRegionShift = 24;

struct IntentBlock {
    Id128 set;
    OpenerSlot slot;
    std::uint64_t sequence = 0;  // 0 is never written
    cluster::MemberId opener;    // the node, and a number drawn when the set was opened
    std::uint64_t epoch = 0;     // of the cluster, when it was written
    std::uint8_t region_shift = 0;
    std::vector<std::uint32_t> regions;  // ascending; none: nothing is under way
    // The change map: number of the generation that began it (Label::changes_since); 0: there is
    // none. A bit, lowest first, says that one of 1 << changed_shift regions has changed.
    std::uint64_t changes_since = 0;
    std::uint8_t changed_shift = 0;
    std::string changed = {};  // kChangedOctets, or none

    bool operator==(const IntentBlock&) const = default;
};

// Octets from the beginning of the slot to where the block of this sequence goes.
inline std::uint64_t intent_offset(std::uint64_t sequence) {
    return sequence % kIntentBlocks * kIntentOctets;
}

// So many regions that the map of a set of this size has room.
std::uint8_t changed_shift_for(std::uint64_t set_blocks, std::uint8_t region_shift);
// Begins a map, if there is none.
void begin_changes(IntentBlock& block, std::uint64_t since, std::uint8_t shift);
void mark_changed(IntentBlock& block, std::uint32_t region);
// Everything that the map and the regions say, as regions of the set.
std::set<std::uint32_t> changed_regions(const IntentBlock& block, std::uint64_t since);

// kIntentOctets. Asserts the limits.
std::string encode(const IntentBlock& block);
// Errors: errc::not_a_member (no magic: never written), errc::unsupported_version, errc::damaged.
Result<IntentBlock> decode_intent_block(std::string_view bytes);

// What a slot says, of its two blocks as they were read. Nothing: never written, or left by another
// set. Errors: errc::unsupported_version; errc::damaged: neither is sound and one should be. The
// slot's regions are unknown then: all of the set must be merged.
Result<std::optional<IntentBlock>> choose_intent(const std::array<std::string, 2>& blocks,
                                                 Id128 set, OpenerSlot slot);

}  // namespace quorate::shadowing
