#include "page_board.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/bytes.hpp"

namespace quorate::quorum {
namespace {

constexpr std::size_t kSequenceAt = 16;  // of the envelope

// The greater one of both sides, whole or not; nothing beyond the end.
std::optional<std::uint64_t> counter_in(std::string_view pages, NodeId node) {
    std::optional<std::uint64_t> greatest;
    for (std::uint32_t side = 0; side < kSides; ++side) {
        const auto at = std::size_t{page_of(node, PageKind::kHeartbeat, side)} * kPageBytes;
        if (at + kPageBytes <= pages.size()) {
            const auto sequence = ByteReader(pages.substr(at + kSequenceAt)).u64();
            greatest = std::max(greatest.value_or(0), sequence);
        }
    }
    return greatest;
}

}  // namespace

void PageBoard::read(BootTime now, DiskNumber disk, std::string bytes) {
    auto& pages = pages_[disk.value()];
    pages = std::move(bytes);
    for (std::uint32_t n = 1; n <= kMaxNodes; ++n) {
        const auto sequence = counter_in(pages, NodeId(n));
        if (!sequence) {
            break;
        }
        auto& counter = counters_[NodeId(n)];
        if (*sequence > counter.sequence) {
            counter = {*sequence, now};
        }
    }
}

std::optional<PageBoard::Seen> PageBoard::heartbeat(NodeId node) const {
    std::optional<Seen> found;
    for (const auto& pages : pages_) {
        auto page = newest_heartbeat(pages, node);
        if (page && (!found || page->sequence > found->sequence)) {
            const auto sequence = page->sequence;
            found = Seen{std::move(*page), sequence, {}};
        }
    }
    const auto it = counters_.find(node);
    if (found && it != counters_.end()) {
        found->changed = it->second.changed;
    }
    return found;
}

}  // namespace quorate::quorum
