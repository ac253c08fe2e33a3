#include "io/busy_poll.hpp"

#include <sys/resource.h>

#include <thread>

namespace quorate::io {
namespace {

using Clock = std::chrono::steady_clock;

// Precedence before others is for who was asleep and has something to do. Who looks gives it back
// meanwhile, else whoever is to answer, perhaps on this processor, waits until the look has ended.
// Only where it may be had again: there is room for it (RLIMIT_NICE), or this process may set it
// as it likes (CAP_SYS_NICE), as root in a container that may not change limits.
class Precedence {
public:
    Precedence() : nice_(::getpriority(PRIO_PROCESS, 0)) {
        rlimit least{};
        ::getrlimit(RLIMIT_NICE, &least);
        has_ = nice_ < 0 && (least.rlim_cur >= static_cast<rlim_t>(20 - nice_) || as_it_likes());
    }
    void give_back() { set(0); }
    void take() { set(nice_); }

private:
    bool as_it_likes() const {
        const bool more = ::setpriority(PRIO_PROCESS, 0, nice_ - 1) == 0;
        if (more) {
            ::setpriority(PRIO_PROCESS, 0, nice_);
        }
        return more;
    }
    void set(int nice) {
        if (has_) {
            ::setpriority(PRIO_PROCESS, 0, nice);  // of this thread
        }
    }

    int nice_;
    bool has_ = false;
};

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
    Precedence precedence;
    while (io.run_one() > 0) {
        if (trust.worth_it()) {
            precedence.give_back();
            trust.saw(look(io, window, counts));
            precedence.take();
        }
    }
}

}  // namespace quorate::io
