#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/crc32c.hpp"
#include "base/random.hpp"

// Every file of tests/fuzz defines this (https://llvm.org/docs/LibFuzzer.html).
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace quorate::fuzz {

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

// Decisions that the input itself does not hold: the same input always gives the same.
inline Random choices(std::string_view input) { return Random(crc32c(input)); }

// The text in pieces, in order: some inputs octet by octet, some in large pieces, most mixed; empty
// ones too.
template <class Take>
void in_pieces(std::string_view text, Random& random, Take take) {
    const std::uint64_t bounds[] = {1, 3, 20, 200, 5000};
    const auto bound = bounds[random.below(5)];
    while (!text.empty()) {
        const auto piece = text.substr(0, bound == 1 ? 1 : random.below(bound + 1));
        take(piece);
        text.remove_prefix(piece.size());
    }
}

// A fuzz input taken apart: numbers from its end, text from its front, so that seeds stay readable.
// When it is used up, numbers are 0 and texts empty.
class Input {
public:
    Input(const std::uint8_t* data, std::size_t size) : rest_(as_text(data, size)) {}

    bool empty() const { return rest_.empty(); }

    std::uint8_t number() {
        if (rest_.empty()) {
            return 0;
        }
        const auto last = static_cast<std::uint8_t>(rest_.back());
        rest_.remove_suffix(1);
        return last;
    }
    // In [0, bound); bound is 1 to 256.
    std::size_t below(std::size_t bound) { return number() % bound; }

    std::string_view text(std::size_t size_max) {
        const auto taken = rest_.substr(0, size_max);
        rest_.remove_prefix(taken.size());
        return taken;
    }
    // Up to and without the next line feed, or all.
    std::string_view line() {
        const auto taken = text(std::min(rest_.find('\n'), rest_.size()));
        text(1);
        return taken;
    }
    std::string_view rest() { return text(rest_.size()); }

private:
    std::string_view rest_;
};

}  // namespace quorate::fuzz
