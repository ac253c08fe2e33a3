#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

// The six lock modes and the tables that rest on them. Sources: OpenVMS System Services, $ENQ;
// Davis, VAXcluster Principles, chapter 6.
namespace quorate::lockmgr {

enum class LockMode : std::uint8_t {
    NL,  // null: keeps the resource and its value block
    CR,  // concurrent read
    CW,  // concurrent write
    PR,  // protected read
    PW,  // protected write
    EX,  // exclusive
};
inline constexpr std::size_t kModes = 6;

constexpr std::size_t index_of(LockMode mode) { return static_cast<std::size_t>(mode); }
constexpr LockMode mode_of(std::size_t index) { return static_cast<LockMode>(index); }
constexpr std::string_view name_of(LockMode mode) {
    constexpr std::array<std::string_view, kModes> kNames{"NL", "CR", "CW", "PR", "PW", "EX"};
    return kNames[index_of(mode)];
}

// Bit m of entry r: a lock may be granted mode r while another one is held in mode m.
inline constexpr std::array<std::uint8_t, kModes> kCompatible{0b111111, 0b011111, 0b000111,
                                                              0b001011, 0b000011, 0b000001};

constexpr bool compatible(LockMode requested, LockMode held) {
    return ((kCompatible[index_of(requested)] >> index_of(held)) & 1) != 0;
}

// True when `to` conflicts with nothing that `from` did not: a conversion in place that can always
// be granted. CW and PR are neither.
constexpr bool conflicts_no_more(LockMode from, LockMode to) {
    return (kCompatible[index_of(from)] & ~kCompatible[index_of(to)]) == 0;
}

// Between CW and PR: neither the old mode nor the new one is the safe one to assume.
constexpr bool middle_conversion(LockMode from, LockMode to) {
    return !conflicts_no_more(from, to) && !conflicts_no_more(to, from);
}

// Conversions that may ask for QUECVT.
constexpr bool quecvt_allowed(LockMode from, LockMode to) {
    constexpr std::array<std::uint8_t, kModes> kAllowed{0b111110, 0b111100, 0b111000,
                                                        0b110100, 0b100000, 0b000000};
    return ((kAllowed[index_of(from)] >> index_of(to)) & 1) != 0;
}

// What a grant does with the value block, if the request said VALBLK.
enum class ValueEffect : std::uint8_t { kNone, kRead, kWrite };

constexpr ValueEffect value_effect(LockMode held, LockMode granted) {
    using enum ValueEffect;
    constexpr std::array<std::array<ValueEffect, kModes>, kModes> kEffect{{
        {kRead, kRead, kRead, kRead, kRead, kRead},
        {kNone, kRead, kRead, kRead, kRead, kRead},
        {kNone, kNone, kRead, kRead, kRead, kRead},
        {kNone, kNone, kNone, kRead, kRead, kRead},
        {kWrite, kWrite, kWrite, kWrite, kWrite, kRead},
        {kWrite, kWrite, kWrite, kWrite, kWrite, kWrite},
    }};
    return kEffect[index_of(held)][index_of(granted)];
}

// Who holds one of these may write the value block, and leaves it doubtful by dying.
constexpr bool writes_value(LockMode mode) { return mode == LockMode::PW || mode == LockMode::EX; }

}  // namespace quorate::lockmgr
