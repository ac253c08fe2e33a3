#include "cluster/lease_page.hpp"

#include <gtest/gtest.h>

#include "cluster/errc.hpp"

namespace quorate::cluster {
namespace {

LeasePage page() {
    LeasePage page;
    page.epoch = Epoch(12);
    page.incarnation = Incarnation(0xa1);
    page.state = LeaseState::kRunning;
    page.reason = StallReason::kNone;
    page.deadline = BootTime(std::chrono::microseconds(5'000'000));
    page.boot = 0xb007;
    return page;
}

// docs/formats/lease-page.md
TEST(LeasePage, TheDocumentedExample) {
    const LeaseWords words{0x0040000145534c51, 0, 12, 0xa1, 5'000'000, 1, 0xb007, 0};
    EXPECT_EQ(encode(page()), words);
    EXPECT_EQ(*decode_lease_page(words), page());
}

TEST(LeasePage, EveryStateComesBack) {
    for (const auto state : {LeaseState::kRunning, LeaseState::kStalled, LeaseState::kExpelled}) {
        for (const auto reason : {StallReason::kNone, StallReason::kForming, StallReason::kNoQuorum,
                                  StallReason::kUnheard, StallReason::kStopped}) {
            auto one = page();
            one.state = state;
            one.reason = reason;
            one.deadline = kLeaseForEver;
            EXPECT_EQ(*decode_lease_page(encode(one)), one);
        }
    }
}

TEST(LeasePage, WhatIsNoneIsNotBelieved) {
    struct Bad {
        std::size_t word;
        std::uint64_t value;
        errc expected;
    };
    const Bad cases[] = {
        {0, 0, errc::damaged},
        {0, 0x0040000245534c51, errc::unsupported_version},
        {0, 0x0048000145534c51, errc::damaged},
        {5, 0, errc::damaged},
        {5, 4, errc::damaged},
        {5, 1 | 5ULL << 32, errc::damaged},
        {7, 1, errc::damaged},
    };
    for (const auto& bad : cases) {
        auto words = encode(page());
        words[bad.word] = bad.value;
        const auto decoded = decode_lease_page(words);
        ASSERT_FALSE(decoded);
        EXPECT_EQ(decoded.error().code, make_error_code(bad.expected)) << bad.word;
    }
}

}  // namespace
}  // namespace quorate::cluster
