#include "io/busy_poll.hpp"

namespace quorate::io {
namespace {

using Clock = std::chrono::steady_clock;

// Goes on as long as something comes within `window` of what came before. True: something did,
// besides what was ready already.
bool look(boost::asio::io_context& io, std::chrono::microseconds window, BusyPollCounts& counts) {
    while (io.poll() > 0) {
    }
    const auto found_before = counts.found;
    auto since = Clock::now();
    auto now = since;
    for (; now < since + window && !io.stopped(); now = Clock::now()) {
        if (io.poll() > 0) {
            ++counts.found;
            since = Clock::now();
        }
    }
    ++counts.looks;
    counts.spent += now - since;
    return counts.found != found_before;
}

}  // namespace

void run_busy(boost::asio::io_context& io, std::chrono::microseconds window,
              BusyPollCounts& counts) {
    if (window.count() == 0) {
        io.run();
        return;
    }
    PollTrust trust;
    while (io.run_one() > 0) {
        if (trust.worth_it()) {
            trust.found(look(io, window, counts));
        }
    }
}

}  // namespace quorate::io
