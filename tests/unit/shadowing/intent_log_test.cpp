#include "shadowing/intent_log.hpp"

#include <gtest/gtest.h>

namespace quorate::shadowing {
namespace {

using std::chrono::milliseconds;
using Regions = std::vector<std::uint32_t>;

// Docs/formats/write-intent-log.md, "Rules of the writer"; shadowing.md 2.10, the activity log.
class IntentLogTest : public ::testing::Test {
protected:
    static constexpr std::uint64_t kRegion = 16;  // blocks
    static Extent in(std::uint64_t region, std::uint64_t count = 1) {
        return {region * kRegion + 3, (count - 1) * kRegion + 1};
    }
    static IntentBlock block_of(std::uint64_t sequence) {
        IntentBlock block;
        block.set = {0, 0x5e};
        block.slot = OpenerSlot(1);
        block.sequence = sequence;
        return block;
    }
    static IntentLog make(std::size_t hot_max = 4) {
        return IntentLog({.set = {0, 0x5e},
                          .slot = OpenerSlot(1),
                          .opener = {},
                          .region_shift = 4,
                          .set_blocks = 1 << 20,
                          .hot_max = hot_max,
                          .clear_after = milliseconds(1000)},
                         block_of(7));
    }
    BootTime at(int ms) const { return BootTime(milliseconds(ms)); }
    // The regions of the block that is wanted now, made durable.
    std::optional<Regions> write(IntentLog& log, int ms = 0) {
        auto block = log.next(at(ms), 1);
        if (!block) {
            return std::nullopt;
        }
        log.written();
        return block->regions;
    }
    void flush(IntentLog& log) { log.flushed(log.mark()); }
};

TEST_F(IntentLogTest, AWriteWaitsUntilItsRegionIsDurable) {
    auto log = make();
    EXPECT_FALSE(log.begin(1, in(5)));
    const auto block = log.next(at(0), 9);
    ASSERT_TRUE(block);
    EXPECT_EQ(block->regions, Regions{5});
    EXPECT_EQ(block->sequence, 8u);
    EXPECT_EQ(block->epoch, 9u);
    EXPECT_TRUE(log.take_ready().empty());
    log.written();
    EXPECT_EQ(log.take_ready(), std::vector<IntentLog::Ticket>{1});
}

TEST_F(IntentLogTest, AHotRegionCostsNothing) {
    auto log = make();
    EXPECT_FALSE(log.begin(1, in(5)));
    write(log);
    log.end(at(1), in(5));
    for (int i = 0; i < 100; ++i) {
        EXPECT_TRUE(log.begin(2, in(5)));
        EXPECT_FALSE(log.next(at(i), 1));
        log.end(at(i), in(5));
    }
    EXPECT_FALSE(log.wants_flush());
    EXPECT_EQ(log.blocks_written(), 1u);
}

TEST_F(IntentLogTest, WhatComesWhileABlockIsUnderWayGoesTogetherIntoTheNext) {
    auto log = make();
    EXPECT_FALSE(log.begin(1, in(0)));
    ASSERT_TRUE(log.next(at(0), 1));
    EXPECT_FALSE(log.begin(2, in(1)));
    EXPECT_FALSE(log.begin(3, in(2)));
    EXPECT_FALSE(log.begin(4, in(0))) << "not durable yet";
    EXPECT_FALSE(log.next(at(0), 1)) << "one at a time";
    log.written();
    EXPECT_EQ(log.take_ready(), (std::vector<IntentLog::Ticket>{1, 4}));
    EXPECT_EQ(write(log), (Regions{0, 1, 2}));
    EXPECT_EQ(log.take_ready(), (std::vector<IntentLog::Ticket>{2, 3}));
}

TEST_F(IntentLogTest, AWriteOverSeveralRegionsNeedsAllOfThem) {
    auto log = make();
    EXPECT_FALSE(log.begin(1, in(1)));
    write(log);
    EXPECT_FALSE(log.begin(2, in(0, 3)));
    EXPECT_EQ(write(log), (Regions{0, 1, 2}));
    EXPECT_EQ(log.take_ready(), (std::vector<IntentLog::Ticket>{1, 2}));
}

TEST_F(IntentLogTest, AnIdleRegionIsLeftOutLazilyAndOnlyAfterAFlush) {
    auto log = make();
    EXPECT_FALSE(log.begin(1, in(5)));
    write(log);
    log.end(at(10), in(5));
    EXPECT_EQ(log.deadline(), at(1010));
    EXPECT_FALSE(log.next(at(1010), 1)) << "not flushed";
    EXPECT_TRUE(log.wants_flush());
    EXPECT_FALSE(log.deadline()) << "it waits for the flush, not for time";
    flush(log);
    EXPECT_EQ(write(log, 1010), Regions{});
    EXPECT_FALSE(log.wants_flush());
    EXPECT_EQ(log.hot(), 0u);
}

TEST_F(IntentLogTest, AFlushBegunBeforeTheEndOfAWriteDoesNotCoverIt) {
    auto log = make();
    EXPECT_FALSE(log.begin(1, in(5)));
    write(log);
    const auto mark = log.mark();
    log.end(at(0), in(5));
    log.flushed(mark);
    EXPECT_FALSE(log.next(at(2000), 1));
    EXPECT_TRUE(log.wants_flush());
}

TEST_F(IntentLogTest, ARegionWithAWriteUnderWayIsNeverLeftOut) {
    auto log = make();
    EXPECT_FALSE(log.begin(1, in(5)));
    write(log);
    EXPECT_TRUE(log.begin(2, in(5)));
    log.end(at(0), in(5));
    flush(log);
    EXPECT_FALSE(log.next(at(5000), 1));
}

TEST_F(IntentLogTest, WhatIsLeftOutAndWantedAgainIsWrittenAgain) {
    auto log = make();
    EXPECT_FALSE(log.begin(1, in(5)));
    write(log);
    log.end(at(0), in(5));
    flush(log);
    ASSERT_TRUE(log.next(at(1000), 1));  // under way, without region 5
    EXPECT_FALSE(log.begin(2, in(5)));
    log.written();
    EXPECT_EQ(log.take_ready(), std::vector<IntentLog::Ticket>{1});
    EXPECT_EQ(write(log, 1000), Regions{5});
    EXPECT_EQ(log.take_ready(), std::vector<IntentLog::Ticket>{2});
}

TEST_F(IntentLogTest, WhenAllAreHotTheLongestUnusedMakesRoom) {
    auto log = make(2);
    EXPECT_FALSE(log.begin(1, in(0)));
    EXPECT_FALSE(log.begin(2, in(1)));
    write(log);
    log.end(at(1), in(1));
    log.end(at(2), in(0));
    EXPECT_FALSE(log.begin(3, in(7)));
    EXPECT_FALSE(log.next(at(3), 1)) << "the victim is not flushed";
    EXPECT_TRUE(log.wants_flush());
    flush(log);
    EXPECT_EQ(write(log, 3), (Regions{0, 7}));
}

TEST_F(IntentLogTest, WhatDoesNotFitWaitsInOrder) {
    auto log = make(2);
    EXPECT_FALSE(log.begin(1, in(0)));
    EXPECT_FALSE(log.begin(2, in(1)));
    write(log);
    log.take_ready();
    EXPECT_FALSE(log.begin(3, in(8)));
    EXPECT_FALSE(log.begin(4, in(0))) << "hot, but another came first";
    EXPECT_FALSE(log.next(at(0), 1));
    EXPECT_FALSE(log.wants_flush());
    log.end(at(1), in(1));
    EXPECT_EQ(log.take_ready(), std::vector<IntentLog::Ticket>{4});
    EXPECT_FALSE(log.next(at(1), 1));
    flush(log);
    EXPECT_EQ(write(log, 1), (Regions{0, 8}));
    EXPECT_EQ(log.take_ready(), std::vector<IntentLog::Ticket>{3});
}

TEST_F(IntentLogTest, ANewMemberGetsTheBlockAlthoughNothingChanged) {
    auto log = make();
    EXPECT_FALSE(log.begin(1, in(5)));
    ASSERT_TRUE(log.next(at(0), 1));
    log.refresh();
    log.written();
    EXPECT_EQ(write(log), Regions{5}) << "the other was on its way before the member came";
    EXPECT_FALSE(log.next(at(0), 1));
}

TEST_F(IntentLogTest, ANewMemberGetsTheBlockThoughOthersWaitForRoom) {
    auto log = make(2);
    EXPECT_FALSE(log.begin(1, in(0)));
    EXPECT_FALSE(log.begin(2, in(1)));
    write(log);
    log.take_ready();
    log.end(at(1), in(1));
    EXPECT_FALSE(log.begin(3, in(7)));
    EXPECT_FALSE(log.next(at(2), 1)) << "no room before a flush, which may need the new member";
    log.refresh();
    EXPECT_EQ(write(log, 2), (Regions{0, 1}));
    EXPECT_TRUE(log.take_ready().empty());
    flush(log);
    EXPECT_EQ(write(log, 3), (Regions{0, 7}));
    EXPECT_EQ(log.take_ready(), std::vector<IntentLog::Ticket>{3});
}

TEST_F(IntentLogTest, ClosingLeavesAnEmptyBlock) {
    auto log = make();
    EXPECT_FALSE(log.begin(1, in(5)));
    write(log);
    log.close();
    EXPECT_FALSE(log.next(at(0), 1));
    log.end(at(0), in(5));
    EXPECT_FALSE(log.next(at(0), 1));
    EXPECT_TRUE(log.wants_flush());
    flush(log);
    EXPECT_FALSE(log.closed());
    EXPECT_EQ(write(log), Regions{});
    EXPECT_TRUE(log.closed());
}

}  // namespace
}  // namespace quorate::shadowing
