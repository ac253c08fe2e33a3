#pragma once

#include <cstdint>
#include <string_view>

namespace quorate::cluster {

// FNV-1a, 64 bits. Compares what honest members computed; it is no defence against forgers, who do
// not get past Corosync's and our own keys.
constexpr std::uint64_t fnv1a(std::string_view bytes) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : bytes) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    }
    return hash;
}

}  // namespace quorate::cluster
