#pragma once

#include <cstdint>
#include <span>

#include "base/random.hpp"

namespace quorate::shadowing {

// The disk that is served: an open file, opened with O_DIRECT where that is possible. The calls
// block and return 0 or an errno; data are copied through an aligned buffer of the calling thread.
// Any thread.
class ServedFile {
public:
    // Takes the descriptor over. False: neither a file nor a block device (errno).
    bool open(int file);
    std::uint64_t octets() const { return octets_; }

    int read(std::span<char> into, std::uint64_t offset) const;
    // `durable`: on stable storage when it returns.
    int write(std::span<const char> from, std::uint64_t offset, bool durable) const;
    int zero(std::uint64_t octets, std::uint64_t offset, bool durable) const;
    int flush() const;
    // Of the label of a shadow set on it; zero: it has none that can be read.
    Id128 set() const;

private:
    int file_ = -1;
    std::uint64_t octets_ = 0;
};

}  // namespace quorate::shadowing
