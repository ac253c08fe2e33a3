#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/assert.hpp"

namespace quorate::lockmgr {

// Records with small stable numbers. 0 is no record. Memory grows by chunks, never moves and is
// reused; a record keeps what its reset() leaves of the one before (capacity, generation).
template <class T>
class Pool {
public:
    T& operator[](std::uint32_t index) { return chunks_[index / kChunk][index % kChunk]; }
    const T& operator[](std::uint32_t index) const {
        return chunks_[index / kChunk][index % kChunk];
    }

    std::uint32_t acquire() {
        ++used_;
        if (!free_.empty()) {
            const auto index = free_.back();
            free_.pop_back();
            return index;
        }
        if (next_ % kChunk == 0 || chunks_.empty()) {
            chunks_.push_back(std::make_unique<T[]>(kChunk));
        }
        return next_++;
    }
    void release(std::uint32_t index) {
        QUORATE_ASSERT(index != 0 && used_ > 0);
        (*this)[index].reset();
        free_.push_back(index);
        --used_;
    }

    std::uint32_t used() const { return used_; }
    // Every index ever given out is below this.
    std::uint32_t end() const { return next_; }

private:
    static constexpr std::uint32_t kChunk = 1024;

    std::vector<std::unique_ptr<T[]>> chunks_;
    std::vector<std::uint32_t> free_;
    std::uint32_t next_ = 1;
    std::uint32_t used_ = 0;
};

}  // namespace quorate::lockmgr
