#include "relocations.hpp"

namespace quorate::mail::store {

void Relocations::close(std::uint32_t segment) {
    std::lock_guard lock(mutex_);
    closed_.insert(segment);
}

void Relocations::reopen(std::uint32_t segment) {
    std::lock_guard lock(mutex_);
    closed_.erase(segment);
}

bool Relocations::closed(std::uint32_t segment) const {
    std::lock_guard lock(mutex_);
    return closed_.contains(segment);
}

void Relocations::moved(const BodyRef& from, const BodyRef& to) {
    std::lock_guard lock(mutex_);
    const auto [at, added] = moved_.try_emplace(from.segment);
    at->second[from.offset] = to;
    if (added) {
        order_.push_back(from.segment);
        if (order_.size() > kSegments) {
            moved_.erase(order_.front());
            order_.pop_front();
        }
    }
    any_.store(true, std::memory_order_release);
}

BodyRef Relocations::resolve(BodyRef ref) const {
    if (!any_.load(std::memory_order_acquire)) {
        return ref;
    }
    std::lock_guard lock(mutex_);
    while (true) {
        const auto segment = moved_.find(ref.segment);
        if (segment == moved_.end()) {
            return ref;
        }
        const auto body = segment->second.find(ref.offset);
        if (body == segment->second.end()) {
            return ref;
        }
        ref = body->second;
    }
}

}  // namespace quorate::mail::store
