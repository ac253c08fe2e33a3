#include "hold.hpp"

#include <algorithm>

#include "mutation.hpp"

namespace quorate::quorum {

void Hold::begin(BootTime now, Epoch epoch) {
    if (!any()) {
        begun_ = now;
        until_.reset();
        renewals_.clear();
    }
    held_ = epoch;
}

void Hold::release() {
    released_ = held_;
    until_.reset();
    renewals_.clear();
}

void Hold::submitted(BootTime now, std::uint64_t sequence) {
    if (any() && (now < end() || mutated("renew_expired"))) {
        renewals_.push_back({sequence, now});
    }
}

void Hold::confirmed(BootTime now, std::uint64_t sequence) {
    while (!renewals_.empty() && renewals_.front().sequence <= sequence) {
        const auto from = mutated("lease_from_completion") ? now : renewals_.front().submitted;
        const auto until = from + lease_;
        renewals_.pop_front();
        if (now < until) {
            until_ = std::max(until_.value_or(until), until);
        }
    }
}

bool Hold::runs(BootTime now) const {
    return any() && until_ && (now < *until_ || mutated("no_lease"));
}

BootTime Hold::dead_at() const {
    if (!any() || mutated("renew_expired")) {
        return BootTime::max();
    }
    return renewals_.empty() ? end() : std::max(end(), renewals_.back().submitted + lease_);
}

}  // namespace quorate::quorum
