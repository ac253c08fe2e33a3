#include "page_board.hpp"

#include <string_view>
#include <utility>

#include "base/bytes.hpp"

namespace quorate::quorum {
namespace {

constexpr std::size_t kSequenceAt = 16;  // of the envelope

std::string_view heartbeat_in(std::string_view pages, NodeId node) {
    const auto first = std::size_t{page_of(node, PageKind::kHeartbeat)} * kPageBytes;
    return first + kPageBytes <= pages.size() ? pages.substr(first, kPageBytes)
                                              : std::string_view();
}

}  // namespace

void PageBoard::read(BootTime now, DiskNumber disk, std::string bytes) {
    auto& pages = pages_[disk.value()];
    pages = std::move(bytes);
    for (std::uint32_t n = 1; n <= kMaxNodes; ++n) {
        const auto page = heartbeat_in(pages, NodeId(n));
        if (page.empty()) {
            break;
        }
        ByteReader in(page.substr(kSequenceAt));
        const auto sequence = in.u64();
        auto& counter = counters_[NodeId(n)];
        if (sequence > counter.sequence) {
            counter = {sequence, now};
        }
    }
}

std::optional<PageBoard::Seen> PageBoard::heartbeat(NodeId node) const {
    std::optional<Seen> found;
    for (const auto& pages : pages_) {
        auto page = decode_heartbeat(heartbeat_in(pages, node), node);
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
