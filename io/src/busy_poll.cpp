#include "io/busy_poll.hpp"

#include <thread>

namespace quorate::io {
namespace {

using Clock = std::chrono::steady_clock;

// Goes on as long as something comes within `window` of what came before. Before each look whoever
// else waits for this processor has it: that may be who is to answer.
PollTrust::Look look(boost::asio::io_context& io, std::chrono::microseconds window,
                     BusyPollCounts& counts) {
    PollTrust::Look seen;
    auto since = Clock::now();
    auto now = since;
    while (now < since + window && !seen.crowded && !io.stopped()) {
        std::this_thread::yield();
        const auto back = Clock::now();
        seen.crowded = back - now > window;
        now = back;
        if (const auto came = io.poll(); came > 0) {
            seen.found += came;
            now = since = Clock::now();
        }
    }
    ++counts.looks;
    counts.found += seen.found;
    counts.spent += now - since;
    return seen;
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
            trust.saw(look(io, window, counts));
        }
    }
}

}  // namespace quorate::io
