#include "directory.hpp"

#include <algorithm>
#include <bit>

#include "mutation.hpp"
#include "table.hpp"

namespace quorate::lockmgr {
namespace {

// -log2(hash / 2^64) in 32.32 fixed point, the mantissa's logarithm by a parabola (error < 0.01).
std::uint64_t minus_log2(std::uint64_t hash) {
    const auto value = hash | 1;
    const auto zeros = static_cast<std::uint64_t>(std::countl_zero(value));
    const auto mantissa = (value << zeros << 1) >> 32;  // fraction of [1, 2), 32 bits
    const auto bend = (mantissa * ((std::uint64_t{1} << 32) - mantissa)) >> 32;
    const auto log = mantissa + ((bend * 1'486'000'000) >> 32);
    return ((zeros + 1) << 32) - log;
}

}  // namespace

cluster::NodeId directory_of(const std::vector<cluster::Member>& members, std::uint64_t hash) {
    if (members.size() == 1) {
        return members.front().id.node;
    }
    const bool weightless = std::ranges::all_of(
        members, [](const cluster::Member& member) { return member.directory_weight == 0; });
    cluster::NodeId best;
    unsigned __int128 best_draw = 0;
    std::uint64_t best_weight = 0;
    for (const auto& member : members) {
        const std::uint64_t weight = weightless ? 1 : member.directory_weight;
        if (weight == 0) {
            continue;
        }
        const auto draw = minus_log2(mix(hash ^ mix(member.id.node.value())));
        // draw / weight, the smallest wins; members come in the order of their ids.
        if (best_weight == 0 ||
            static_cast<unsigned __int128>(draw) * best_weight < best_draw * weight) {
            best = member.id.node;
            best_draw = draw;
            best_weight = weight;
        }
    }
    return best;
}

std::uint32_t DirectoryEntries::number_of(std::string_view root) const {
    return numbers_.find(hash_of(root),
                         [&](std::uint32_t number) { return records_[number].root() == root; });
}

DirectoryEntry& DirectoryEntries::operator[](std::string_view root) {
    if (const auto known = number_of(root); known != 0) {
        return records_[known].second;
    }
    const auto number = records_.acquire();
    auto& entry = records_[number];
    entry.name.assign(root);
    entry.number = number;
    entry.second = DirectoryEntry{};
    numbers_.insert(hash_of(root), number);
    return entry.second;
}

void DirectoryEntries::erase(Record* entry) {
    numbers_.erase(hash_of(entry->root()), entry->number);
    records_.release(entry->number);
}

void DirectoryEntries::erase(std::string_view root) {
    if (auto* entry = find(root); entry != nullptr) {
        erase(entry);
    }
}

bool History::proves_free(cluster::NodeId self, std::uint64_t hash, cluster::MemberId lost) const {
    if (mutated("assign_unproved")) {
        return true;
    }
    auto last = views_.end();
    for (auto it = views_.begin(); it != views_.end(); ++it) {
        if (it->view.find(lost) != nullptr) {
            last = it;
        }
    }
    if (last == views_.end() || !last->complete) {
        return false;
    }
    return std::all_of(last, views_.end(), [&](const Past& past) {
        return directory_of(past.view.members, hash) == self;
    });
}

}  // namespace quorate::lockmgr
