#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "quorum/page.hpp"

namespace quorate::quorum {

inline constexpr std::size_t kMaxFences = 16;
inline constexpr std::size_t kMaxReason = 64;
inline constexpr std::size_t kMaxNote = 256;

// One node wants one life of another to end.
struct Fence {
    NodeId target;
    Incarnation incarnation;
    Epoch epoch;         // the newest that the requester knew
    std::string reason;  // for people
    bool operator==(const Fence&) const = default;
};

// What a node wants of others. It stands on its own page: nobody writes another's.
struct RequestPage {
    NodeId node;
    std::uint64_t sequence = 0;
    Uuid cluster;

    std::vector<Fence> fences;
    std::string note;  // of the operator, for people
    bool operator==(const RequestPage&) const = default;
};

std::string encode(const RequestPage& page);
// Errors: those of open_page().
Result<RequestPage> decode_request(std::string_view page, NodeId owner);

}  // namespace quorate::quorum
