#include "place_watch.hpp"

#include <algorithm>

#include "quorum/heartbeat.hpp"
#include "quorum/page.hpp"

namespace quorate::quorum {

bool PlaceWatch::read(DiskNumber disk, std::string_view pages) {
    std::map<Incarnation, std::uint64_t> newest;  // a life that is over may have both sides
    for (std::uint32_t side = 0; side < kSides; ++side) {
        const auto at = std::size_t{page_of(self_, PageKind::kHeartbeat, side)} * kPageBytes;
        if (at + kPageBytes > pages.size()) {
            return false;
        }
        if (const auto page = decode_heartbeat(pages.substr(at, kPageBytes), self_)) {
            auto& sequence = newest[page->incarnation];
            sequence = std::max(sequence, page->sequence);
        }
    }
    return std::ranges::count_if(
               newest, [&](const auto& life) { return add(disk, life.first, life.second); }) > 0;
}

bool PlaceWatch::add(DiskNumber disk, Incarnation incarnation, std::uint64_t sequence) {
    if (incarnation == incarnation_) {
        return false;
    }
    const auto [it, first] = lives_.emplace(std::pair(disk, incarnation), Life{sequence, 0});
    if (std::exchange(it->second.sequence, sequence) != sequence) {
        ++it->second.moves;
    }
    return it->second.moves >= 2 && incarnation < incarnation_;
}

bool PlaceWatch::prevails() const {
    return std::ranges::none_of(lives_, [this](const auto& life) {
        return life.first.second < incarnation_ && life.second.moves > 0;
    });
}

}  // namespace quorate::quorum
