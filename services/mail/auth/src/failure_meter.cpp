#include "mail/auth/failure_meter.hpp"

#include <algorithm>

namespace quorate::mail::auth {
namespace {

constexpr std::chrono::minutes kHalfLife{10};
constexpr std::chrono::milliseconds kDelayMax{60'000};
constexpr std::size_t kKeysMax = 65'536;

}  // namespace

void FailureMeter::decay(Count& count, MonoTime now) {
    const auto halvings = (now - count.last) / kHalfLife;
    count.failures = halvings >= 32 ? 0 : count.failures >> halvings;
}

void FailureMeter::make_room(MonoTime now) {
    for (std::uint32_t limit = 1; counts_.size() >= kKeysMax; limit *= 2) {
        std::erase_if(counts_, [&](const auto& item) {
            Count count = item.second;
            decay(count, now);
            return count.failures <= limit;
        });
    }
}

std::chrono::milliseconds FailureMeter::failed(std::string_view key, MonoTime now) {
    if (counts_.size() >= kKeysMax) {
        make_room(now);
    }
    auto& count = counts_[std::string(key)];
    decay(count, now);
    ++count.failures;
    count.last = now;
    const auto doublings = std::min<std::uint32_t>(count.failures > 2 ? count.failures - 2 : 0, 16);
    return std::min(first_ * (1 << doublings), kDelayMax);
}

void FailureMeter::succeeded(std::string_view key) {
    const auto found = counts_.find(key);
    if (found != counts_.end()) {
        counts_.erase(found);
    }
}

}  // namespace quorate::mail::auth
