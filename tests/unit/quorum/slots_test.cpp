#include "slots.hpp"

#include <gtest/gtest.h>

#include "pages.hpp"

namespace quorate::quorum {
namespace {

using std::chrono::milliseconds;

constexpr DiskNumber kOnly{0};
const NodeId kNode{2};

// What one disk shows of one node, at times that a test gives.
class SlotsTest : public ::testing::Test {
protected:
    SlotsTest() {
        UseDisks use;
        use.current = {{kOnly, testing::kDisk}};
        disks_.use(use);
        slots_.identify(testing::kCluster);
        pages_.assign(pages_for(2), std::string(kPageBytes, '\0'));
    }
    void put(std::uint64_t sequence, std::uint32_t side) {
        auto page = testing::heartbeat();
        page.sequence = sequence;
        at(side) = encode(page);
    }
    std::string& at(std::uint32_t side) {
        return pages_[page_of(kNode, PageKind::kHeartbeat, side)];
    }
    // From then on, for no time.
    void read(milliseconds when) {
        std::string bytes;
        for (const auto& page : pages_) {
            bytes += page;
        }
        slots_.read(kOnly, bytes);
        DiskSet done;
        done.add(kOnly);
        NodeSet nodes;
        nodes.add(kNode);
        slots_.merge(disks_, done, nodes, BootTime(when), BootTime(when));
    }
    const Reading<Heartbeat>& seen() const { return slots_.of(kNode).heartbeat; }
    bool silent() const { return slots_.silent(kNode, milliseconds(12'000)); }

    Disks disks_{NodeId(1)};
    Slots slots_;
    std::vector<std::string> pages_;
};

// quorum.md 5.4, C3: "at least 4 successful reads, first and last at least D apart".
TEST_F(SlotsTest, ASilenceIsReadFourTimes) {
    put(7, 0);
    read(milliseconds(0));
    read(milliseconds(20'000));
    read(milliseconds(20'001));
    EXPECT_FALSE(silent());
    read(milliseconds(20'002));
    EXPECT_TRUE(silent());
}

TEST_F(SlotsTest, ASilenceLastsFromTheFirstReadingToTheLast) {
    put(7, 0);
    for (int n = 0; n < 8; ++n) {
        read(milliseconds(1'500 * n));
    }
    EXPECT_FALSE(silent());
    read(milliseconds(12'000));
    EXPECT_TRUE(silent());
    put(8, 1);
    read(milliseconds(12'500));
    EXPECT_FALSE(silent());
}

// The other side may be older than what was there when this reading began.
TEST_F(SlotsTest, WhileASideIsBeingWrittenNothingIsKnown) {
    put(7, 0);
    put(8, 1);
    read(milliseconds(0));
    ASSERT_EQ(seen().page.sequence, 8U);
    put(9, 0);
    at(1).replace(0, 2048, 2048, 'x');
    read(milliseconds(500));
    EXPECT_EQ(seen().known, Known::kUnknown);
    read(milliseconds(600));
    EXPECT_EQ(seen().page.sequence, 9U);
}

TEST_F(SlotsTest, LessThanWasSeenIsNothingToRelyOn) {
    put(7, 0);
    put(8, 1);
    read(milliseconds(0));
    at(1) = at(0);
    read(milliseconds(500));
    EXPECT_EQ(seen().known, Known::kUnknown);
}

}  // namespace
}  // namespace quorate::quorum
