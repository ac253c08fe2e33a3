#include "message_set.hpp"

#include <algorithm>
#include <limits>

namespace quorate::mail::imap {
namespace {

void normalize(Positions& positions) {
    std::sort(positions.begin(), positions.end(),
              [](const PositionRange& a, const PositionRange& b) { return a.first < b.first; });
    std::size_t kept = 0;
    for (const auto& range : positions) {
        if (kept > 0 && range.first <= std::uint64_t{positions[kept - 1].last} + 1) {
            positions[kept - 1].last = std::max(positions[kept - 1].last, range.last);
        } else {
            positions[kept++] = range;
        }
    }
    positions.resize(kept);
}

struct Bounds {
    std::uint32_t low = 0;
    std::uint32_t high = 0;
};

// "*" is the largest number in use; a range may be written backwards.
Bounds bounds_of(const SetRange& range, std::uint32_t largest) {
    const auto first = range.first == kStar ? largest : range.first;
    const auto last = range.last == kStar ? largest : range.last;
    return {std::min(first, last), std::max(first, last)};
}

Positions resolve_uids(const store::View& view, const MessageSet& set) {
    Positions positions;
    const auto size = view.size();
    if (size == 0) {
        return positions;
    }
    const auto largest = view.at(size - 1).uid;
    for (const auto& range : set.ranges) {
        const auto [low, high] = bounds_of(range, largest);
        const auto begin = view.lower_bound(low);
        const auto end =
            high == std::numeric_limits<store::Uid>::max() ? size : view.lower_bound(high + 1);
        if (begin < end) {
            positions.push_back({begin, end - 1});
        }
    }
    normalize(positions);
    return positions;
}

}  // namespace

Positions all_positions(const store::View& view) {
    return view.size() == 0 ? Positions() : Positions{{0, view.size() - 1}};
}

std::optional<Positions> resolve(const store::View& view, const MessageSet& set) {
    if (set.uid) {
        return resolve_uids(view, set);
    }
    Positions positions;
    positions.reserve(set.ranges.size());
    for (const auto& range : set.ranges) {
        const auto [low, high] = bounds_of(range, view.size());
        if (low == 0 || high > view.size()) {
            return std::nullopt;
        }
        positions.push_back({low - 1, high - 1});
    }
    normalize(positions);
    return positions;
}

Positions intersect(const Positions& a, const Positions& b) {
    Positions both;
    auto left = a.begin();
    auto right = b.begin();
    while (left != a.end() && right != b.end()) {
        const auto first = std::max(left->first, right->first);
        const auto last = std::min(left->last, right->last);
        if (first <= last) {
            both.push_back({first, last});
        }
        (left->last < right->last ? left : right)++;
    }
    return both;
}

bool contains(const Positions& positions, std::uint32_t position) {
    const auto after = std::upper_bound(
        positions.begin(), positions.end(), position,
        [](std::uint32_t wanted, const PositionRange& range) { return wanted < range.first; });
    return after != positions.begin() && position <= std::prev(after)->last;
}

std::uint64_t count(const Positions& positions) {
    std::uint64_t total = 0;
    for (const auto& range : positions) {
        total += std::uint64_t{range.last} - range.first + 1;
    }
    return total;
}

}  // namespace quorate::mail::imap
