#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace quorate::lockmgr {

// A 64-bit hash of octets that is the same on every node and in every version: directories depend
// on it. Not for hostile keys beyond what the limits of clients bound.
inline std::uint64_t mix(std::uint64_t value) {
    value ^= value >> 30;
    value *= 0xbf58476d1ce4e5b9;
    value ^= value >> 27;
    value *= 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

inline std::uint64_t hash_of(std::string_view bytes, std::uint64_t seed = 0) {
    std::uint64_t hash = mix(seed + 0x9e3779b97f4a7c15 + bytes.size());
    while (!bytes.empty()) {
        std::uint64_t word = 0;
        const auto size = bytes.size() < 8 ? bytes.size() : std::size_t{8};
        for (std::size_t i = 0; i < size; ++i) {
            word |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
        }
        hash = mix(hash ^ word) + 0x9e3779b97f4a7c15;
        bytes.remove_prefix(size);
    }
    return hash;
}

// Open addressing from a hash to the index of a record that somebody else keeps. Linear probing,
// deletion by shifting back: no tombstones, so a long life does not slow it down.
class Table {
public:
    Table() : slots_(kSmallest) {}

    // The index for which `same(index)` among those of equal hash; 0 if there is none.
    template <class Same>
    std::uint32_t find(std::uint64_t hash, Same same) const {
        const auto mask = slots_.size() - 1;
        const auto tag = tag_of(hash);
        for (auto at = hash & mask; slots_[at].index != 0; at = (at + 1) & mask) {
            if (slots_[at].tag == tag && same(slots_[at].index)) {
                return slots_[at].index;
            }
        }
        return 0;
    }
    // What a find of this hash will look at comes nearer meanwhile.
    void prefetch(std::uint64_t hash) const {
        __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]);
    }
    void insert(std::uint64_t hash, std::uint32_t index) {
        if ((used_ + 1) * 4 > slots_.size() * 3) {
            grow();
        }
        place(Slot{tag_of(hash), index});
        ++used_;
    }
    void erase(std::uint64_t hash, std::uint32_t index) {
        const auto mask = slots_.size() - 1;
        auto hole = hash & mask;
        while (slots_[hole].index != index) {
            if (slots_[hole].index == 0) {
                return;
            }
            hole = (hole + 1) & mask;
        }
        for (auto at = (hole + 1) & mask; slots_[at].index != 0; at = (at + 1) & mask) {
            const auto home = slots_[at].tag & mask;
            if (((at - home) & mask) >= ((at - hole) & mask)) {
                slots_[hole] = slots_[at];
                hole = at;
            }
        }
        slots_[hole] = Slot{};
        --used_;
    }
    std::size_t size() const { return used_; }

private:
    struct Slot {
        std::uint32_t tag = 0;  // the hash's low half: also its home, up to 2^32 slots
        std::uint32_t index = 0;
    };
    static constexpr std::size_t kSmallest = 64;

    static std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash); }
    void place(Slot slot) {
        const auto mask = slots_.size() - 1;
        auto at = slot.tag & mask;
        while (slots_[at].index != 0) {
            at = (at + 1) & mask;
        }
        slots_[at] = slot;
    }
    void grow() {
        auto old = std::move(slots_);
        slots_.assign(old.size() * 2, Slot{});
        for (const auto& slot : old) {
            if (slot.index != 0) {
                place(slot);
            }
        }
    }

    std::vector<Slot> slots_;
    std::size_t used_ = 0;
};

}  // namespace quorate::lockmgr
