#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include <gtest/gtest.h>

#include "voter_bench.hpp"

// What tests of fences say of them.
namespace quorate::quorum {

inline const FenceWanted kSecond{NodeId(2), "test"};

inline bool fed(testing::Bench& bench, std::uint32_t node, std::chrono::milliseconds time) {
    bench.work(node);
    bench.run(time);
    return bench.work(node).feeds > 0;
}

inline void expect_done(const testing::Bench& bench, std::string_view text) {
    ASSERT_EQ(bench.fences().size(), 1U);
    EXPECT_TRUE(bench.fences().front().done) << bench.fences().front().text;
    EXPECT_EQ(bench.fences().front().text, text);
}

inline void expect_refused(const testing::Bench& bench, std::string_view text) {
    ASSERT_EQ(bench.fences().size(), 1U);
    EXPECT_FALSE(bench.fences().front().done) << bench.fences().front().text;
    EXPECT_EQ(bench.fences().front().text, text);
}

}  // namespace quorate::quorum
