#include "life.hpp"

#include <algorithm>

namespace quorate::quorum {

// What was submitted a lease ago gives none any more.
void Life::submitted(BootTime now, std::uint64_t sequence) {
    while (!beats_.empty() && now - beats_.front().submitted >= timing_.lease) {
        beats_.pop_front();
    }
    beats_.push_back({sequence, now});
}

// Unlike a lease of the votes it may come back: a machine that has not been fed for so long that
// it no longer runs needs no rule.
void Life::confirmed(std::uint64_t sequence) {
    while (!beats_.empty() && beats_.front().sequence <= sequence) {
        known(beats_.front().submitted);
        beats_.pop_front();
    }
}

void Life::known(BootTime at) { until_ = std::max(until_, at + timing_.lease); }

std::uint64_t Words::ask(BootTime now, NodeSet others) {
    asked_ = now;
    stood_ = now;
    missing_ = others;
    return ++nonce_;
}

// Every age counts from the asking, because the answer was given after it.
void Words::heard(NodeId from, std::uint64_t nonce, std::chrono::microseconds age) {
    if (nonce != nonce_ || !stood_) {
        return;
    }
    const auto error = age * 2 * timing_.clock_error_ppm / 1'000'000 + std::chrono::microseconds(1);
    stood_ = std::min(*stood_, asked_ - age - error);
    missing_.remove(from);
}

std::optional<BootTime> Words::all_heard(NodeId but) const {
    auto missing = missing_;
    missing.remove(but);
    return missing.empty() ? stood_ : std::nullopt;
}

}  // namespace quorate::quorum
