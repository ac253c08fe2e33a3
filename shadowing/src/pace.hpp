#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include "base/clock.hpp"

namespace quorate::shadowing {

// Of one kind of work beside the clients' requests: when its next chunk may begin, and how fast it
// goes.
class Pacer {
public:
    BootTime not_before() const { return not_before_; }

    // A chunk took so long: clients get the rest of the time. Not longer than kPauseMax: one that
    // took very long waited for a lock, or for a disk that hung.
    void ended(BootTime now, std::chrono::microseconds took, std::uint32_t percent) {
        const auto share = std::clamp<std::int64_t>(percent, 1, 100);
        not_before_ = now + std::min(took * (100 - share) / share, kPauseMax);
    }

    // Blocks are done, of those that are counted since begin().
    void begin(BootTime now) { older_ = newer_ = {now, newest_}; }
    void done(BootTime now, std::uint64_t blocks) {
        newest_ += blocks;
        if (now - newer_.at >= kWindow) {
            older_ = std::exchange(newer_, {now, newest_});
        }
    }
    std::uint64_t per_second(BootTime now) const {
        const auto took = std::chrono::microseconds(now - older_.at).count();
        return took <= 0 ? 0
                         : (newest_ - older_.blocks) * 1'000'000 / static_cast<std::uint64_t>(took);
    }

private:
    static constexpr std::chrono::microseconds kPauseMax{2'000'000};
    static constexpr std::chrono::seconds kWindow{5};
    struct Mark {
        BootTime at;
        std::uint64_t blocks = 0;
    };
    BootTime not_before_{};
    std::uint64_t newest_ = 0;
    Mark older_;
    Mark newer_;
};

}  // namespace quorate::shadowing
