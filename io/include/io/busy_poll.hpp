#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include <boost/asio/io_context.hpp>

namespace quorate::io {

// Whether it pays to look for the next event for a while before going to sleep. Where the answer of
// another machine or process is on its way, the sleep and the wake-up cost more than it takes to
// come. Where looking found nothing it is trusted less, to nothing; then one sleep in kProbe is
// preceded by a look, to notice when that has changed. Where others want the processor for long,
// who sleeps and is woken has it sooner than who looks: then looks are rare, and the rarer the
// longer that lasts.
class PollTrust {
public:
    static constexpr unsigned kMax = 8;
    static constexpr unsigned kProbe = 64;
    static constexpr unsigned kProbeCrowded = 4096;

    struct Look {
        std::size_t found = 0;
        bool crowded = false;  // at last it waited long for the processor
    };

    bool worth_it() {
        if (trust_ == 0 && ++sleeps_ < probe_) {
            return false;
        }
        sleeps_ = 0;
        return true;
    }
    void saw(const Look& look) {
        if (look.crowded) {
            trust_ = 0;
            probe_ = look.found >= kProbe ? kProbe : std::min(2 * probe_, kProbeCrowded);
            return;
        }
        probe_ = kProbe;
        trust_ = look.found == 0 ? trust_ / 2 : std::min(trust_ + 1, kMax);
    }

private:
    unsigned trust_ = 0;
    unsigned sleeps_ = 0;
    unsigned probe_ = kProbe;
};

struct BusyPollCounts {
    std::uint64_t looks = 0;            // each ended in a sleep, sooner or later
    std::uint64_t found = 0;            // events that came meanwhile
    std::chrono::nanoseconds spent{0};  // in vain
};

// io.run(), which after each event looks for the next one for up to `window`, where that pays.
// Zero: io.run() as it is. Thread rule: the thread of `io`, which is the only one that runs it.
void run_busy(boost::asio::io_context& io, std::chrono::microseconds window,
              BusyPollCounts& counts);

}  // namespace quorate::io
