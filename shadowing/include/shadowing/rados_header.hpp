#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace quorate::shadowing {

inline constexpr std::size_t kRadosHeader = 64;
inline constexpr std::uint8_t kRadosObjectShift = 22;  // 4 MiB

// What the first object of a member in RADOS says (docs/formats/rados-member.md).
struct RadosHeader {
    std::uint8_t object_shift = kRadosObjectShift;
    std::uint64_t octets = 0;  // of the member
    std::uint64_t life = 0;    // drawn when it was made; RADOS loses nothing that it acknowledged
    bool operator==(const RadosHeader&) const = default;
};
std::string encode(const RadosHeader& header);
// Errors: errc::not_a_member, errc::unsupported_version, errc::damaged.
Result<RadosHeader> decode_rados_header(std::string_view bytes);

// Of the object that has the octets from index << object_shift on.
std::string rados_object_name(std::string_view member, std::uint64_t index);

}  // namespace quorate::shadowing
