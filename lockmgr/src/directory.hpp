#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cluster/view.hpp"
#include "message.hpp"
#include "name.hpp"
#include "pool.hpp"
#include "table.hpp"

namespace quorate::lockmgr {

// Who keeps the directory entry of a root: weighted rendezvous hashing over the members, so that a
// node that comes or goes moves its own share only. Weights all 0 count as 1 each. Integers only:
// every node must come to the same answer.
cluster::NodeId directory_of(const std::vector<cluster::Member>& members, std::uint64_t hash);

// The part of the directory that is kept here: roots mastered by other nodes. What is mastered here
// needs no entry.
struct DirectoryEntry {
    std::uint32_t master = 0;    // party
    std::uint32_t promised = 0;  // by this one, which may not have given it the tree yet; or 0
    std::uint64_t token = 0;     // newest known when it was claimed; the newest claim wins
};
// By root. A pointer is good until its entry is erased.
class DirectoryEntries {
public:
    struct Record {
        Name name;
        std::uint32_t number = 0;  // 0: of none
        DirectoryEntry second;

        std::string_view root() const { return name.view(); }
        void reset() { number = 0; }
    };

    Record* find(std::string_view root) {
        const auto number = number_of(root);
        return number != 0 ? &records_[number] : nullptr;
    }
    const Record* find(std::string_view root) const {
        const auto number = number_of(root);
        return number != 0 ? &records_[number] : nullptr;
    }
    void prefetch(std::uint64_t hash) const { numbers_.prefetch(hash); }
    static constexpr std::nullptr_t end() { return nullptr; }
    DirectoryEntry& operator[](std::string_view root);
    void erase(Record* entry);
    void erase(std::string_view root);
    // `which` may change what stays.
    template <class Which>
    void erase_if(Which which) {
        for (std::uint32_t number = 1; number < records_.end(); ++number) {
            auto& entry = records_[number];
            if (entry.number != 0 && which(entry)) {
                erase(&entry);
            }
        }
    }
    std::size_t size() const { return records_.used(); }

private:
    std::uint32_t number_of(std::string_view root) const;

    Pool<Record> records_;
    Table numbers_;
};

// The views with quorum that this node was in, as far back as some lost life may still hold locks.
// Tells whether a root that nobody claims may be given away: not while a lost life may master it,
// and it may unless this node has kept the root's entry since that life was a member.
class History {
public:
    void add(const cluster::View& view) { views_.push_back({view, false}); }
    // Every member has told this directory all it masters.
    void completed() { views_.back().complete = true; }
    // No life is awaited any more: only the current view matters.
    void forget() {
        if (views_.size() > 1) {
            views_.erase(views_.begin(), views_.end() - 1);
        }
    }
    void clear() { views_.clear(); }
    bool proves_free(cluster::NodeId self, std::uint64_t hash, cluster::MemberId lost) const;

private:
    struct Past {
        cluster::View view;
        bool complete = false;
    };
    std::vector<Past> views_;
};

}  // namespace quorate::lockmgr
