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

// One side of a page, alone.
enum class Side : std::uint8_t { kBlank, kTorn, kSound, kNotOurs };

template <class Page>
Side state_of(const Result<Page>& page, const Uuid& cluster) {
    if (page) {
        return page->cluster == cluster ? Side::kSound : Side::kNotOurs;
    }
    const auto code = page.error().code;
    return code == errc::blank     ? Side::kBlank
           : code == errc::damaged ? Side::kTorn
                                   : Side::kNotOurs;
}

// Of two sides. A torn one that stays so is a write that was never done: what stood on this page
// before is on the other side. While it changes the other may be older than what was there when the
// reading began. Torn both, or one that is not ours: nothing is known, and that side is the one to
// write.
template <class Page>
Reading<Page> newer(Result<Page> first, Result<Page> second, const Uuid& cluster, bool lasting) {
    const auto one = state_of(first, cluster);
    const auto two = state_of(second, cluster);
    const auto bad = [](Side side) { return side == Side::kNotOurs || side == Side::kTorn; };
    const bool strange = one == Side::kNotOurs || two == Side::kNotOurs;
    const bool under_way = (bad(one) || bad(two)) && !lasting;
    if (strange || under_way || (bad(one) && bad(two))) {
        const bool write_second = two == Side::kNotOurs || (bad(two) && !bad(one));
        return {Known::kUnknown, {}, write_second ? 0U : 1U};
    }
    if (one == Side::kSound && (two != Side::kSound || first->sequence >= second->sequence)) {
        return {Known::kSound, std::move(*first), 0};
    }
    if (two == Side::kSound) {
        return {Known::kSound, std::move(*second), 1};
    }
    return {Known::kBlank, {}, 1};
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
        const auto refresh = [&](auto& reading, PageKind kind, auto decode) {
            const auto first = page_of(node, kind, 0);
            const auto second = page_of(node, kind, 1);
            const bool same = !changed(first) && !changed(second);
            if (!same || reading.known == Known::kUnknown) {
                reading = newer(decode(page_at(bytes, first), node),
                                decode(page_at(bytes, second), node), cluster_, same);
            }
        };
        auto& pages = copy->pages[n];
        refresh(pages.heartbeat, PageKind::kHeartbeat, decode_heartbeat);
        refresh(pages.ballot, PageKind::kBallot, decode_ballot);
        refresh(pages.request, PageKind::kRequest, decode_request);
        refresh(pages.witness, PageKind::kWitness, decode_witness);
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
    const auto lasting = mutated("short_silence") ? silence / 2 : silence;
    return slot.pages.heartbeat.known != Known::kUnknown && slot.watch.readings >= kLeastReadings &&
           slot.watch.last - slot.watch.since >= lasting;
}

bool Slots::moved(NodeId node, BootTime now, std::chrono::milliseconds time) const {
    const auto& slot = slots_[node.value()];
    return slot.watch.readings > 0 && now - slot.watch.since < time;
}

}  // namespace quorate::quorum
