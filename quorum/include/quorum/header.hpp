#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "quorum/page.hpp"
#include "quorum/timing.hpp"

namespace quorate::quorum {

inline constexpr std::size_t kMaxLabel = 64;

// What a disk is, written twice when it is formatted and never after.
struct Header {
    Uuid cluster;
    Uuid disk;
    std::uint8_t index = 0;           // among `count` disks, of which a majority decides
    std::uint8_t count = 1;           // 1 or 3
    std::uint16_t nodes = kMaxNodes;  // places on the disk
    Timing timing;
    std::string label;  // the cluster's name, for people
    bool operator==(const Header&) const = default;
};

std::string encode(const Header& header, std::uint16_t copy);
// Of one copy. Errors: those of open_page(); errc::unsupported_version too if the disk asks for a
// feature that this program does not have; errc::unsafe_timing.
Result<Header> decode_header(std::string_view page);
// Of both copies: the first that is sound. Errors: those of the first copy.
Result<Header> decode_header(std::string_view first, std::string_view second);

}  // namespace quorate::quorum
