#include "slots.hpp"

#include <algorithm>

#include "mutation.hpp"
#include "quorum/errc.hpp"

namespace quorate::quorum {
namespace {

constexpr std::uint32_t kLeastReadings = 4;

std::string_view page_at(std::string_view bytes, std::uint32_t page) {
    const auto at = std::size_t{page} * kPageBytes;
    return at < bytes.size() ? bytes.substr(at, kPageBytes) : std::string_view();
}

template <class Page>
void decode_into(Reading<Page>& reading, Result<Page> page, const Uuid& cluster) {
    if (page && page->cluster == cluster) {
        reading = {Known::kSound, std::move(*page)};
    } else {
        const bool blank = !page && page.error().code == errc::blank;
        reading = {blank ? Known::kBlank : Known::kUnknown, {}};
    }
}

// Of all disks' readings: the newest, if enough have it sound or blank.
template <class Page>
Reading<Page> newest(const Disks& disks, DiskSet done, const Slots& slots, NodeId node,
                     Reading<Page> NodePages::*which) {
    DiskSet readable;
    const Reading<Page>* best = nullptr;
    for (const auto& disk : disks.all()) {
        if (!done.has(disk.number)) {
            continue;
        }
        const auto& one = slots.on(disk.number, node).*which;
        if (one.known == Known::kUnknown) {
            continue;
        }
        readable.add(disk.number);
        if (best == nullptr || best->known == Known::kBlank ||
            (one.known == Known::kSound && one.page.sequence > best->page.sequence)) {
            best = &one;
        }
    }
    return best != nullptr && disks.majority(readable) ? *best : Reading<Page>{};
}

}  // namespace

void Slots::read(DiskNumber disk, std::string_view bytes) {
    auto& copy = disks_[disk.value()];
    if (!copy) {
        copy = std::make_unique<Copy>();
        copy->pages.resize(kMaxNodes + 1);
    }
    const auto changed = [&](std::uint32_t page) {
        return page_at(bytes, page) != page_at(copy->raw, page);
    };
    if (copy->raw.empty() || changed(0) || changed(1)) {
        copy->header = decode_header(page_at(bytes, 0), page_at(bytes, 1));
    }
    for (std::uint32_t n = 1; pages_for(n) * kPageBytes <= bytes.size() && n <= kMaxNodes; ++n) {
        const NodeId node(n);
        auto& pages = copy->pages[n];
        const auto heartbeat = page_of(node, PageKind::kHeartbeat);
        if (changed(heartbeat)) {
            decode_into(pages.heartbeat, decode_heartbeat(page_at(bytes, heartbeat), node),
                        cluster_);
        }
        const auto ballot = page_of(node, PageKind::kBallot);
        if (changed(ballot)) {
            decode_into(pages.ballot, decode_ballot(page_at(bytes, ballot), node), cluster_);
        }
        const auto request = page_of(node, PageKind::kRequest);
        if (changed(request)) {
            decode_into(pages.request, decode_request(page_at(bytes, request), node), cluster_);
        }
        const auto witness = page_of(node, PageKind::kWitness);
        if (changed(witness)) {
            decode_into(pages.witness, decode_witness(page_at(bytes, witness), node), cluster_);
        }
    }
    copy->raw.assign(bytes);
}

const NodePages& Slots::on(DiskNumber disk, NodeId node) const {
    static const NodePages kNothing;
    const auto& copy = disks_[disk.value()];
    return copy ? copy->pages[node.value()] : kNothing;
}

void Slots::merge(const Disks& disks, DiskSet done, NodeSet nodes, BootTime begun, BootTime now) {
    for (std::uint32_t n = 1; n <= kMaxNodes; ++n) {
        const NodeId node(n);
        if (nodes.has(node)) {
            auto& pages = slots_[n].pages;
            pages.heartbeat = newest(disks, done, *this, node, &NodePages::heartbeat);
            pages.ballot = newest(disks, done, *this, node, &NodePages::ballot);
            pages.request = newest(disks, done, *this, node, &NodePages::request);
            pages.witness = newest(disks, done, *this, node, &NodePages::witness);
            look(slots_[n], begun, now);
        }
    }
}

// A page that shows less than it did (an old write that came late, another majority of disks) is no
// sign of life, and nothing to rely on.
void Slots::look(Slot& slot, BootTime begun, BootTime now) {
    auto& watch = slot.watch;
    auto& reading = slot.pages.heartbeat;
    if (reading.known == Known::kUnknown) {
        return;
    }
    const auto sequence = reading.page.sequence;
    const auto incarnation = reading.page.incarnation;
    if (sequence < watch.sequence) {
        reading = {};
        return;
    }
    if (watch.readings == 0 || sequence > watch.sequence || incarnation != watch.incarnation) {
        watch = {sequence, incarnation, now, begun, 0};
    }
    watch.last = begun;
    ++watch.readings;
}

bool Slots::silent(NodeId node, std::chrono::milliseconds silence) const {
    const auto& slot = slots_[node.value()];
    return slot.pages.heartbeat.known != Known::kUnknown && slot.watch.readings >= kLeastReadings &&
           slot.watch.last - slot.watch.since >= silence;
}

bool Slots::moved(NodeId node, BootTime now, std::chrono::milliseconds time) const {
    const auto& slot = slots_[node.value()];
    return slot.watch.readings > 0 && now - slot.watch.since < time;
}

}  // namespace quorate::quorum
