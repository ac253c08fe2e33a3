#include "quorum/timing.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "mutation.hpp"
#include "quorum/errc.hpp"

namespace quorate::quorum {
namespace {

using ms = Timing::ms;

constexpr ms kLongest = std::chrono::minutes(10);
constexpr std::uint32_t kWorstClock = 20'000;

// `time` as long as the slowest clock may show it, rounded up.
ms stretched(ms time, std::uint32_t ppm) {
    const auto extra = time.count() * 2 * ppm;
    return time + ms((extra + 999'999) / 1'000'000);
}

// A renewal that is submitted at the end of a lease and done at the end of its own.
ms late_renewal(ms lease) { return mutated("one_lease") ? lease : 2 * lease; }

class Checker {
public:
    void at_least(std::string_view rule, ms left, ms right) {
        if (left < right) {
            found_.push_back({std::string(rule), right - left});
        }
    }
    std::vector<Violation> take() { return std::move(found_); }

private:
    std::vector<Violation> found_;
};

}  // namespace

Timing Timing::for_soft_mode() {
    Timing timing;
    timing.late_io = ms(1000);
    timing.lease = ms(4000);
    timing.sync_timeout = ms(3000);
    timing.watchdog = ms::zero();
    return timing;
}

// In soft mode a vote ages for vote_timeout, and if the ring changes just before it is forgotten,
// votequorum keeps it for sync_timeout from then on.
ms Timing::stop() const {
    if (mutated("no_stop_time")) {
        return ms::zero();
    }
    return (mode() == StopMode::kWatchdog ? watchdog : vote_timeout + sync_timeout) + guard;
}

std::chrono::microseconds Timing::surely_stopped() const {
    const std::chrono::microseconds time = stop();
    return time + time * 2 * clock_error_ppm / 1'000'000 + ms(1);
}

ms Timing::least_silence() const {
    return stretched(std::max(lease + stop(), late_renewal(lease)), clock_error_ppm);
}

std::string Violation::to_string() const {
    return fmt::format("{}: {} ms too little", rule, missing.count());
}

std::vector<Violation> violations(const Timing& timing) {
    Checker check;
    for (const auto& [rule, value] :
         {std::pair{"heartbeat", timing.heartbeat}, std::pair{"late_io", timing.late_io},
          std::pair{"lease", timing.lease}, std::pair{"poll", timing.poll},
          std::pair{"vote_timeout", timing.vote_timeout},
          std::pair{"sync_timeout", timing.sync_timeout}, std::pair{"silence", timing.silence}}) {
        check.at_least(fmt::format("{} >= 1 ms", rule), value, ms(1));
        check.at_least(fmt::format("10 min >= {}", rule), kLongest, value);
    }
    check.at_least("watchdog >= 0", timing.watchdog, ms::zero());
    check.at_least("10 min >= watchdog", kLongest, timing.watchdog);
    check.at_least("guard >= 0", timing.guard, ms::zero());
    check.at_least("10 min >= guard", kLongest, timing.guard);
    check.at_least("20000 >= clock_error_ppm", ms(kWorstClock), ms(timing.clock_error_ppm));
    if (auto absurd = check.take(); !absurd.empty()) {
        return absurd;
    }
    const bool soft = timing.mode() == StopMode::kSoft;
    check.at_least(
        soft ? "silence >= (lease + vote_timeout + sync_timeout + guard) * (1 + 2 clock_error)"
             : "silence >= (lease + watchdog + guard) * (1 + 2 clock_error)",
        timing.silence, stretched(timing.lease + timing.stop(), timing.clock_error_ppm));
    check.at_least("silence >= 2 lease * (1 + 2 clock_error)", timing.silence,
                   stretched(late_renewal(timing.lease), timing.clock_error_ppm));
    check.at_least("lease >= 3 heartbeat + late_io", timing.lease,
                   3 * timing.heartbeat + timing.late_io);
    check.at_least("vote_timeout >= 4 poll", timing.vote_timeout, 4 * timing.poll);
    if (soft) {
        check.at_least("silence > sync_timeout", timing.silence, timing.sync_timeout + ms(1));
    } else {
        check.at_least("watchdog >= vote_timeout", timing.watchdog, timing.vote_timeout);
        check.at_least("sync_timeout >= silence + 4 late_io + guard", timing.sync_timeout,
                       timing.silence + 4 * timing.late_io + timing.guard);
    }
    return check.take();
}

Status check(const Timing& timing) {
    std::string text;
    for (const auto& one : violations(timing)) {
        text += (text.empty() ? "" : "; ") + one.to_string();
    }
    return text.empty() ? Status() : Status(fail(errc::unsafe_timing, text));
}

}  // namespace quorate::quorum
