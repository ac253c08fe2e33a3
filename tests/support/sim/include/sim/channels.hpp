#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "base/random.hpp"

namespace quorate::sim {

// Inputs that wait for a machine. Those of one channel keep their order; between channels anything
// goes.
template <class Input, std::size_t N>
class Channels {
public:
    template <class Channel>
    std::deque<Input>& operator[](Channel channel) {
        return queues_[static_cast<std::size_t>(channel)];
    }
    void clear() {
        for (auto& queue : queues_) {
            queue.clear();
        }
    }
    // From any of those that have one.
    std::optional<Input> take(Random& random) {
        std::array<std::size_t, N> ready{};
        std::size_t count = 0;
        for (std::size_t i = 0; i < N; ++i) {
            if (!queues_[i].empty()) {
                ready[count++] = i;
            }
        }
        if (count == 0) {
            return std::nullopt;
        }
        auto& queue = queues_[ready[random.below(count)]];
        std::optional<Input> input(std::move(queue.front()));
        queue.pop_front();
        return input;
    }

private:
    std::array<std::deque<Input>, N> queues_;
};

}  // namespace quorate::sim
