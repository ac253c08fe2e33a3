#include "cluster/lease_page.hpp"

#include <fmt/core.h>

#include "cluster/errc.hpp"

namespace quorate::cluster {
namespace {

constexpr std::uint64_t kMagic = 0x45534c51;  // "QLSE"
constexpr std::uint64_t kVersion = 1;

constexpr std::uint64_t low(std::uint64_t word) { return word & 0xffffffff; }

}  // namespace

std::string_view text_of(StallReason reason) {
    switch (reason) {
        case StallReason::kNone:
            return "";
        case StallReason::kForming:
            return "the membership has not formed yet";
        case StallReason::kNoQuorum:
            return "no quorum";
        case StallReason::kUnheard:
            return "members with quorum do not acknowledge heartbeats";
        case StallReason::kStopped:
            return "clusterd was stopped";
        case StallReason::kWriterSilent:
            return "clusterd does not run";
        case StallReason::kAnotherLife:
            return "clusterd was started anew";
    }
    return "unknown";
}

LeaseWords encode(const LeasePage& page) {
    LeaseWords words{};
    words[0] = kMagic | kVersion << 32 | std::uint64_t{sizeof(LeaseWords)} << 48;
    words[2] = page.epoch.value();
    words[3] = page.incarnation.value();
    words[4] = static_cast<std::uint64_t>(page.deadline.time_since_epoch().count());
    words[5] = static_cast<std::uint64_t>(page.state) | static_cast<std::uint64_t>(page.reason)
                                                            << 32;
    words[6] = page.boot;
    return words;
}

Result<LeasePage> decode_lease_page(const LeaseWords& words) {
    if (low(words[0]) != kMagic) {
        return fail(errc::damaged, "lease page: not one");
    }
    if ((words[0] >> 32 & 0xffff) != kVersion) {
        return fail(errc::unsupported_version, "lease page");
    }
    const auto state = low(words[5]);
    const auto reason = words[5] >> 32;
    if (words[0] >> 48 != sizeof(LeaseWords) || words[7] != 0 || state < 1 || state > 3 ||
        reason > static_cast<std::uint64_t>(StallReason::kStopped)) {
        return fail(errc::damaged, "lease page: fields");
    }
    LeasePage page;
    page.epoch = Epoch(words[2]);
    page.incarnation = Incarnation(words[3]);
    page.deadline = BootTime(BootTime::duration(static_cast<BootTime::rep>(words[4])));
    page.state = static_cast<LeaseState>(state);
    page.reason = static_cast<StallReason>(reason);
    page.boot = words[6];
    return page;
}

}  // namespace quorate::cluster
