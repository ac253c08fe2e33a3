#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/random.hpp"
#include "base/strong.hpp"

// Words that all of shadowing shares.
namespace quorate::shadowing {

inline constexpr std::size_t kMaxMembers = 6;  // of a shadow set
inline constexpr std::size_t kMaxOpeners = 128;
// What a label, and a block of the write-intent log, occupies: octets.
inline constexpr std::size_t kMetaBlock = 4096;

// A stretch of the virtual unit, in blocks of the set.
struct Extent {
    std::uint64_t lbn = 0;
    std::uint64_t blocks = 0;

    std::uint64_t end() const { return lbn + blocks; }
    bool overlaps(const Extent& other) const { return lbn < other.end() && other.lbn < end(); }
    auto operator<=>(const Extent&) const = default;
};

// Which state of the set a label tells of. Numbers grow within a lineage with every change of the
// membership; the id, drawn at random, tells apart two changes that got the same number because
// neither knew of the other.
struct Generation {
    std::uint64_t number = 0;
    std::uint64_t id = 0;
    bool operator==(const Generation&) const = default;
};

// An opener's place in the write-intent log.
using OpenerSlot = Strong<struct OpenerSlotTag, std::uint16_t>;

enum class Role : std::uint8_t {
    kFull = 1,      // has every acknowledged write: may be read and be a source
    kCopy = 2,      // receives everything; equal to the sources below its fence
    kMinicopy = 3,  // was full; equal but for what the change map names, and that below its fence
    kMerge = 4,    // full, but blocks at and above the fence may differ from those of other members
    kExpelled = 5  // out of the set since the generation `since`
};
std::string_view name_of(Role role);
// Whether the member has every acknowledged write.
inline bool is_source(Role role) { return role == Role::kFull || role == Role::kMerge; }
inline bool is_target(Role role) { return role == Role::kCopy || role == Role::kMinicopy; }

}  // namespace quorate::shadowing
