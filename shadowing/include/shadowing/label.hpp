#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "shadowing/types.hpp"

// What stands on a member disk about the disk and its set (docs/formats/shadow-label.md). The label
// of a member that has left is never changed by those that stayed: it goes on naming its last
// generation, which is how it is known to be old.
namespace quorate::shadowing {

inline constexpr std::size_t kMaxUnitName = 15;
inline constexpr std::size_t kMaxForks = 16;
inline constexpr std::uint8_t kMinBlockShift = 9;
inline constexpr std::uint8_t kMaxBlockShift = 12;
inline constexpr std::uint64_t kMaxMemberBlocks = std::uint64_t{1} << 48;

struct LabelMember {
    Id128 id;
    Role role = Role::kFull;
    std::uint64_t since = 0;  // number of the generation in which it took up this role
    // Block; of kCopy, kMinicopy and kMerge. Of kExpelled: 0, or, while the others keep in mind
    // what changes (Label::changes_since), the `since` of the stint that it left.
    std::uint64_t fence = 0;
    // Which life of its cache it had then: another one may have lost what was not flushed.
    std::uint64_t life = 0;
    bool operator==(const LabelMember&) const = default;
};

// Where the set went on without members that it could not prove to be old.
struct Fork {
    Id128 lineage;                 // the older one
    std::uint64_t generation = 0;  // of it, from which the fork began
    bool operator==(const Fork&) const = default;
};

// Where things are on this member.
struct Layout {
    std::uint8_t block_shift = 12;    // a block of the set has 1 << block_shift octets
    std::uint8_t region_shift = 10;   // a region of the write-intent log: 1 << region_shift blocks
    std::uint16_t openers = 32;       // slots of the write-intent log
    std::uint32_t slot_octets = 0;    // each, a multiple of kMetaBlock
    std::uint64_t log_offset = 0;     // octets
    std::uint64_t data_offset = 0;    // octets
    std::uint64_t member_blocks = 0;  // this disk has room for so many
    bool operator==(const Layout&) const = default;
};

struct Label {
    std::uint64_t sequence = 0;  // grows with every writing of this member's label
    Id128 member;                // this disk
    Id128 set;
    Id128 lineage;
    Generation generation;
    bool clean = false;               // every opener dismounted: no merge is due
    std::uint64_t mounted_epoch = 0;  // newest cluster epoch in which it was written
    std::uint64_t set_blocks = 0;     // size of the virtual unit
    // Number of the generation since which the write-intent log keeps what changes, for members
    // that are to come back by minicopy; 0: it does not.
    std::uint64_t changes_since = 0;
    std::string unit;  // "DSA1"
    Layout layout;
    std::vector<LabelMember> members;
    std::vector<Fork> forks;  // newest first

    const LabelMember* find(Id128 id) const;
    bool operator==(const Label&) const = default;
};

// One copy, kMetaBlock octets. Asserts the limits.
std::string encode(const Label& label, std::uint16_t copy);
// Errors: errc::not_a_member (no magic), errc::unsupported_version, errc::damaged.
Result<Label> decode_label(std::string_view block, std::uint16_t copy);

// A member has two copies: at its first octet, and in its last whole kMetaBlock.
struct FoundLabel {
    Label label;
    std::uint16_t newest = 0;  // the copy that it stands in; the other is written first
    bool both = false;         // both copies say it
};
// Of what was read, the newest sound one. Errors: those of decode_label; if the copies fail for
// different reasons, unsupported_version before damaged before not_a_member.
Result<FoundLabel> choose_label(const std::array<std::string, 2>& copies);

inline std::uint64_t second_copy_offset(std::uint64_t device_octets) {
    return device_octets / kMetaBlock * kMetaBlock - kMetaBlock;
}
// Octets from log_offset to the block of a slot.
inline std::uint64_t slot_offset(const Layout& layout, OpenerSlot slot) {
    return layout.log_offset + std::uint64_t{slot.value()} * layout.slot_octets;
}

// Where things go on a disk of `device_octets`. Errors: errc::refused, it is too small.
Result<Layout> lay_out(std::uint64_t device_octets, std::uint8_t block_shift,
                       std::uint16_t openers);

}  // namespace quorate::shadowing
