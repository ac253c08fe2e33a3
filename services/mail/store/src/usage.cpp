#include "usage.hpp"

namespace quorate::mail::store {

void SegmentUsage::found(std::uint32_t segment) {
    std::lock_guard lock(mutex_);
    entries_.try_emplace(segment);
}

void SegmentUsage::died(std::uint32_t segment, std::uint64_t bytes) {
    std::lock_guard lock(mutex_);
    entries_[segment].dead += bytes;
}

void SegmentUsage::counted(std::uint32_t segment, std::uint64_t dead, std::uint64_t total) {
    std::lock_guard lock(mutex_);
    auto& entry = entries_[segment];
    entry.dead = dead;
    entry.total = total;
    entry.examined = true;
}

void SegmentUsage::keep(std::uint32_t segment) {
    std::lock_guard lock(mutex_);
    entries_[segment].kept = true;
}

void SegmentUsage::removed(std::uint32_t segment) {
    std::lock_guard lock(mutex_);
    entries_.erase(segment);
}

std::map<std::uint32_t, SegmentUsage::Entry> SegmentUsage::all() const {
    std::lock_guard lock(mutex_);
    return entries_;
}

}  // namespace quorate::mail::store
