#include "member_filters.hpp"

#include "served_world.hpp"

namespace quorate::shadowing::testing {
namespace {

class MemberFilterTest : public ServedWorld {
protected:
    std::unique_ptr<Member> file() {
        auto ring = io::Uring::open(io_);
        EXPECT_TRUE(ring);
        ring_.emplace(std::move(*ring));
        auto member = open_file_member(*ring_, io_, disk_path());
        EXPECT_TRUE(member) << member.error().to_string();
        return std::move(*member);
    }
    std::optional<io::Uring> ring_;
};

TEST_F(MemberFilterTest, AnErrorLeavesNoTrace) {
    ErrorFilter member(file(), io_);
    member.fail([](Call call, std::uint64_t offset) {
        return call == Call::kWrite && offset == 4096 ? std::optional(Outcome::kFailed)
                                                      : std::nullopt;
    });
    EXPECT_EQ(write(member, 0, block('a')), Outcome::kOk);
    EXPECT_EQ(write(member, 4096, block('b')), Outcome::kFailed);
    EXPECT_EQ(read(member, 0, 8192), block('a') + block('\0'));
}

TEST_F(MemberFilterTest, WhatIsDelayedLandsInItsOrderAndBeforeTheFence) {
    DelayFilter member(file());
    member.hold();
    const io::AlignedBuffer first(block('a'));
    const io::AlignedBuffer second(block('b'));
    std::vector<std::string> order;
    member.write(0, first.span(), false, [&](Outcome) {
        order.push_back("first");
        member.write(0, second.span(), false, [&](Outcome) { order.push_back("second"); });
    });
    member.fence([&] { order.push_back("fence"); });
    EXPECT_EQ(member.held(), 2u);
    EXPECT_EQ(read(member, 0, 4096), block('\0'));
    member.let_go();
    ASSERT_TRUE(run_until([&] { return order.size() == 3; }));
    EXPECT_EQ(order.front(), "first");
    EXPECT_EQ(on_disk(0, 4096), block('b'));
}

// The member of a killed opener is gone, its write is not: the lock is, when that has landed.
TEST_F(MemberFilterTest, TheDiskIsLockedUntilTheLastWriteOfItsOpenerHasEnded) {
    auto member = file();
    const io::AlignedBuffer data(block('a'));
    bool ended = false;
    member->write(0, data.span(), true, [&](Outcome) { ended = true; });
    EXPECT_FALSE(LocalDisk::open(disk_path()));
    ASSERT_TRUE(run_until([&] { return ended; }));
    member.reset();
    ASSERT_TRUE(run_until([&] { return LocalDisk::open(disk_path()).has_value(); }));
    EXPECT_EQ(on_disk(0, 4096), block('a'));
}

TEST_F(MemberFilterTest, ATornWriteIsThereInPartAndFails) {
    TornFilter member(file());
    member.tear_after(4096);
    EXPECT_EQ(write(member, 0, block('a') + block('b')), Outcome::kFailed);
    EXPECT_EQ(read(member, 0, 8192), block('a') + block('\0'));
    EXPECT_EQ(write(member, 0, block('a') + block('b')), Outcome::kOk);
    EXPECT_EQ(read(member, 0, 8192), block('a') + block('b'));
}

TEST_F(MemberFilterTest, WhatIsNotFlushedGoesWithThePower) {
    CacheFilter member(file(), io_);
    const auto life = member.life();
    EXPECT_EQ(write(member, 0, block('a')), Outcome::kOk);
    EXPECT_EQ(flush(member), Outcome::kOk);
    EXPECT_EQ(write(member, 0, block('b')), Outcome::kOk);
    EXPECT_EQ(write(member, 8192, block('c'), /*fua=*/false), Outcome::kOk);
    EXPECT_EQ(read(member, 0, 4096), block('b'));
    EXPECT_EQ(on_disk(0, 4096), block('a'));
    member.lose_power();
    EXPECT_NE(member.life(), life);
    EXPECT_EQ(read(member, 0, 12288), block('a') + block('\0') + block('\0'));
    EXPECT_EQ(write(member, 4096, block('d'), /*fua=*/true), Outcome::kOk);
    member.lose_power();
    EXPECT_EQ(read(member, 4096, 4096), block('d'));
}

}  // namespace
}  // namespace quorate::shadowing::testing
