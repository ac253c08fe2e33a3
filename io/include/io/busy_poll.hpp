#pragma once

#include <chrono>
#include <cstdint>

#include <boost/asio/io_context.hpp>

namespace quorate::io {

// Whether it pays to look for the next event for a while before going to sleep. Where the answer of
// another machine or process is on its way, the sleep and the wake-up cost more than it takes to
// come. Where looking found nothing it is trusted less, to nothing; then one sleep in kProbe is
// preceded by a look, to notice when that has changed.
class PollTrust {
public:
    static constexpr unsigned kMax = 8;
    static constexpr unsigned kProbe = 64;

    bool worth_it() { return trust_ > 0 || ++sleeps_ % kProbe == 0; }
    void found(bool something) {
        trust_ = something ? (trust_ < kMax ? trust_ + 1 : kMax) : trust_ / 2;
    }

private:
    unsigned trust_ = 0;
    unsigned sleeps_ = 0;
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
