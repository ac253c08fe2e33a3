#include "shadowing/set.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "set_world.hpp"

namespace quorate::shadowing {
namespace {

using std::chrono::milliseconds;
using testing::SetWorld;

const std::vector<Role> kTwoSources{Role::kFull, Role::kFull};
const std::vector<Role> kSourceAndTarget{Role::kFull, Role::kCopy};

// Holds back, or ends so, what is of this kind and on this device.
template <class Output>
SetWorld::Rule on_device(DeviceIndex device, std::optional<Outcome> outcome) {
    return [=](const SetOutput& output) -> std::optional<Outcome> {
        const auto* one = std::get_if<Output>(&output);
        return one != nullptr && one->device == device ? outcome : Outcome::kOk;
    };
}

TEST(SetTest, AWriteIsAcknowledgedWhenEveryMemberHasIt) {
    SetWorld world(kTwoSources);
    world.mount();
    world.rule(on_device<WriteData>(1, std::nullopt));
    world.write(1, {8, 4});
    EXPECT_EQ(world.count<WriteData>(), 2u);
    EXPECT_FALSE(world.reply(1));
    world.end_held<WriteData>(Outcome::kOk);
    EXPECT_EQ(world.reply(1), ReplyStatus::kOk);
}

TEST(SetTest, AWriteBeginsWhenItsRegionIsInTheLogOfEveryMember) {
    SetWorld world(kTwoSources);
    world.mount();
    world.rule(on_device<WriteIntent>(1, std::nullopt));
    world.write(1, {8, 4});
    EXPECT_EQ(world.count<WriteData>(), 0u);
    world.end_held<WriteIntent>(Outcome::kOk);
    EXPECT_EQ(world.count<WriteData>(), 2u);
}

TEST(SetTest, ASecondWriteToAHotRegionWritesNoLog) {
    SetWorld world(kTwoSources);
    world.mount();
    world.write(1, {8, 4});
    const auto blocks = world.count<WriteIntent>();
    world.write(2, {12, 4});
    EXPECT_EQ(world.reply(2), ReplyStatus::kOk);
    EXPECT_EQ(world.count<WriteIntent>(), blocks);
}

TEST(SetTest, ATargetIsWrittenAfterTheSources) {
    SetOptions options;
    options.volunteers = false;
    SetWorld world(kSourceAndTarget, options);
    world.mount();
    world.rule(on_device<WriteData>(0, std::nullopt));
    world.write(1, {8, 4});
    EXPECT_EQ(world.count<WriteData>(), 1u);
    world.end_held<WriteData>(Outcome::kOk);
    EXPECT_EQ(world.count<WriteData>(), 2u);
    EXPECT_EQ(world.reply(1), ReplyStatus::kOk);
}

TEST(SetTest, AWriteThatGetsANewSourceUnderWayIsWrittenToTargetsOnceMore) {
    SetWorld world({Role::kFull, Role::kCopy, Role::kCopy});
    bool slow = true;
    world.rule([&](const SetOutput& output) -> std::optional<Outcome> {
        const auto* write = std::get_if<WriteData>(&output);
        const bool held = std::holds_alternative<CompareData>(output) ||
                          (slow && write != nullptr && write->device == 1);
        return held ? std::nullopt : std::optional(Outcome::kOk);
    });
    world.mount();  // the first target is copied, the second has to wait
    world.write(1, {8, 4});
    const auto to_second = [&] {
        return std::ranges::count_if(world.done, [](const SetOutput& output) {
            const auto* one = std::get_if<WriteData>(&output);
            return one != nullptr && one->device == 2;
        });
    };
    EXPECT_EQ(to_second(), 1) << "the second target has it, the first has it not";
    world.end_held<CompareData>(Outcome::kOk);
    world.end_held<CompareData>(Outcome::kOk);
    ASSERT_EQ(world.role(1), Role::kFull);
    ASSERT_EQ(world.role(2), Role::kCopy);
    EXPECT_FALSE(world.reply(1));
    slow = false;
    world.end_held<WriteData>(Outcome::kOk);
    EXPECT_EQ(to_second(), 2) << "a copy may have put there what the new source had before";
    EXPECT_EQ(world.reply(1), ReplyStatus::kOk);
}

TEST(SetTest, AReadThatWasUnderWayWhenAnOpenerWasLostIsComparedFirst) {
    SetWorld world(kTwoSources);
    world.mount();
    world.rule([](const SetOutput& output) -> std::optional<Outcome> {
        const bool held =
            std::holds_alternative<ReadData>(output) || std::holds_alternative<ReadIntent>(output);
        return held ? std::nullopt : std::optional(Outcome::kOk);
    });
    world.read(1, {8, 4});
    world.feed(OpenerLost{OpenerSlot(1), {cluster::NodeId(2), cluster::Incarnation(8)}});
    world.end_held<ReadData>(Outcome::kOk);
    EXPECT_FALSE(world.reply(1)) << "nobody knows yet where it was writing";
}

// Another opener waits for the slot too, and gets it first.
class LostOpenerTest : public ::testing::Test {
protected:
    LostOpenerTest() : world(kTwoSources, options()) {
        world.mount();
        world.queued.insert({LockKind::kSlot, 1});
        world.leave(OpenerSlot(1), SetWorld::other(8), 5, {1});
        lose(8);
    }
    static SetOptions options() {
        SetOptions options;
        options.paces[static_cast<std::size_t>(Work::kScrub)].runs = false;
        return options;
    }
    void lose(std::uint64_t incarnation) {
        world.feed(OpenerLost{OpenerSlot(1), SetWorld::other(incarnation)});
        look_again();
    }
    void look_again() {
        for (int i = 0; i < 4; ++i) {
            world.pass(milliseconds(600));
        }
    }
    bool a_read_compares() {
        const auto before = world.count<CompareData>();
        world.read(++id, {9, 1});
        return world.count<CompareData>() > before;
    }

    SetWorld world;
    std::uint64_t id = 0;
};

TEST_F(LostOpenerTest, WhatItWasWritingIsComparedUntilItIsMerged) {
    EXPECT_TRUE(a_read_compares());
    world.leave(OpenerSlot(1), SetWorld::other(8), 6, {});
    look_again();
    EXPECT_FALSE(a_read_compares());
}

TEST_F(LostOpenerTest, TheNextOneMayBeLostBeforeItHasMergedThat) {
    lose(9);
    EXPECT_TRUE(a_read_compares());
}

TEST_F(LostOpenerTest, WhoeverWritesInItsPlaceHasMergedIt) {
    world.leave(OpenerSlot(1), SetWorld::other(9), 8, {1});
    look_again();
    EXPECT_TRUE(a_read_compares()) << "perhaps of one that was lost earlier";
    world.leave(OpenerSlot(1), SetWorld::other(9), 9, {1});
    look_again();
    EXPECT_FALSE(a_read_compares());
}

TEST_F(LostOpenerTest, WhatIsFixedIsReadAndWrittenInTheStallOfItsOwn) {
    world.rule([](const SetOutput& output) -> std::optional<Outcome> {
        const auto* compare = std::get_if<CompareData>(&output);
        if (compare != nullptr) {
            return compare->extent.lbn == 8 ? std::nullopt : std::optional(Outcome::kDiffers);
        }
        return std::holds_alternative<WriteData>(output) ? std::nullopt
                                                         : std::optional(Outcome::kOk);
    });
    world.read(1, {8, 1});
    world.read(2, {12, 1});  // differs until nobody writes
    ASSERT_EQ(world.count<WriteData>(), 1u);
    world.end_held<CompareData>(Outcome::kDiffers);
    EXPECT_EQ(world.count<WriteData>(), 1u) << "it was read before";
}

TEST(SetTest, ATargetIsNotRead) {
    SetOptions options;
    options.volunteers = false;
    SetWorld world(kSourceAndTarget, options);
    world.mount();
    for (std::uint64_t id = 1; id <= 20; ++id) {
        world.read(id, {id, 1});
        EXPECT_EQ(world.reply(id), ReplyStatus::kOk);
    }
    EXPECT_EQ(world.first<ReadData>([](const ReadData& one) { return one.device == 1; }), -1);
}

TEST(SetTest, ACopyMakesATargetASource) {
    SetWorld world(kSourceAndTarget);
    world.mount();
    EXPECT_EQ(world.role(1), Role::kFull);
    EXPECT_EQ(world.count<CompareData>(), 1u) << "all of it in one chunk";
    EXPECT_EQ(world.first<WriteData>(), -1) << "it was equal already";
}

TEST(SetTest, NothingIsAcknowledgedWithoutALease) {
    SetWorld world(kTwoSources);
    world.mount();
    world.rule(on_device<WriteData>(1, std::nullopt));
    world.write(1, {8, 4});
    world.lease.deadline = world.now;
    world.end_held<WriteData>(Outcome::kOk);
    EXPECT_FALSE(world.reply(1));
    world.lease.deadline = BootTime::max();
    world.pass(milliseconds(1));
    EXPECT_EQ(world.reply(1), ReplyStatus::kOk);
}

TEST(SetTest, AnExpulsionIsDurableBeforeTheAcknowledgementThatNeedsIt) {
    SetWorld world(kTwoSources);
    world.mount();
    world.done.clear();
    world.rule(on_device<WriteData>(1, Outcome::kFailed));
    world.write(1, {8, 4});
    EXPECT_EQ(world.role(1), Role::kExpelled);
    const auto reserved = world.first<ReserveGeneration>();
    const auto label = world.first<WriteLabel>();
    const auto witness = world.first<WriteWitness>();
    const auto reply = world.first<Reply>();
    EXPECT_GE(reserved, 0);
    EXPECT_LT(reserved, label);
    EXPECT_LT(label, witness);
    EXPECT_LT(witness, reply);
    EXPECT_EQ(world.first<WriteLabel>([](const WriteLabel& one) { return one.device == 1; }), -1)
        << "who has left keeps its last label";
}

TEST(SetTest, AMemberThatDoesNotAnswerIsExpelledAfterItsTime) {
    SetOptions options;
    options.member_timeout = milliseconds(2000);
    SetWorld world(kTwoSources, options);
    world.mount();
    world.rule(on_device<WriteData>(1, std::nullopt));
    world.write(1, {8, 4});
    world.pass(milliseconds(1999));
    EXPECT_EQ(world.role(1), Role::kFull);
    world.pass(milliseconds(1));
    EXPECT_EQ(world.role(1), Role::kExpelled);
}

TEST(SetTest, TheLastSourceIsNeverExpelled) {
    SetWorld world({Role::kFull});
    world.mount();
    world.rule(on_device<WriteData>(0, Outcome::kFailed));
    world.write(1, {8, 4});
    EXPECT_EQ(world.role(0), Role::kFull);
    EXPECT_FALSE(world.reply(1)) << "it stalls";
    world.rule({});
    for (int i = 0; i < 4 && !world.reply(1); ++i) {
        world.pass(milliseconds(500));
    }
    EXPECT_EQ(world.reply(1), ReplyStatus::kOk);
}

TEST(SetTest, ALabelThatIsNotWrittenInTimeIsNotOvertakenByTheNextOne) {
    SetWorld world({Role::kFull});
    world.rule(on_device<WriteLabel>(0, std::nullopt));
    world.feed(Start{});
    for (int i = 0; i < 60; ++i) {
        world.pass(milliseconds(1000));
    }
    EXPECT_EQ(world.count<WriteLabel>(), 1u);
    world.rule({});
    world.end_held<WriteLabel>(Outcome::kFailed);
    world.pass(milliseconds(1000));
    EXPECT_EQ(world.count<WriteLabel>(), 2u);
    EXPECT_TRUE(world.mounted);
}

TEST(SetTest, AnUnreadableBlockIsReadFromAnotherMemberAndRepaired) {
    SetWorld world(kTwoSources);
    world.mount();
    bool repaired = false;
    world.rule([&](const SetOutput& output) -> std::optional<Outcome> {
        const auto* write = std::get_if<WriteData>(&output);
        repaired |= write != nullptr && write->device == 0;
        const auto* read = std::get_if<ReadData>(&output);
        const auto* compare = std::get_if<CompareData>(&output);
        const bool bad =
            (read != nullptr && read->device == 0) || (compare != nullptr && compare->device == 0);
        return bad && !repaired ? Outcome::kUnreadable : Outcome::kOk;
    });
    world.read(1, {8, 4});
    EXPECT_EQ(world.reply(1), ReplyStatus::kOk);
    EXPECT_TRUE(repaired);
    EXPECT_EQ(world.role(0), Role::kFull);
}

TEST(SetTest, WhatNoMemberCanReadIsAnErrorOfThatReadAlone) {
    SetWorld world(kTwoSources);
    world.mount();
    world.rule([](const SetOutput& output) -> std::optional<Outcome> {
        const auto* read = std::get_if<ReadData>(&output);
        return read != nullptr && read->extent.lbn == 8 ? Outcome::kUnreadable : Outcome::kOk;
    });
    world.read(1, {8, 4});
    world.read(2, {16, 4});
    EXPECT_EQ(world.reply(1), ReplyStatus::kUnreadable);
    EXPECT_EQ(world.reply(2), ReplyStatus::kOk);
}

TEST(SetTest, AStretchThatNoMemberCanReadAsAWholeIsReadBlockByBlock) {
    SetWorld world(kTwoSources);
    world.mount();
    std::set<DeviceIndex> repaired;
    const auto bad = [&](DeviceIndex device, Extent extent) {
        return !repaired.contains(device) && extent.overlaps({device == 0 ? 8u : 11u, 1});
    };
    world.rule([&](const SetOutput& output) -> std::optional<Outcome> {
        const auto* write = std::get_if<WriteData>(&output);
        const auto* read = std::get_if<ReadData>(&output);
        const auto* compare = std::get_if<CompareData>(&output);
        if (write != nullptr && bad(write->device, write->extent)) {
            repaired.insert(write->device);
        }
        const bool fails = (read != nullptr && bad(read->device, read->extent)) ||
                           (compare != nullptr && bad(compare->device, compare->extent));
        return fails ? Outcome::kUnreadable : Outcome::kOk;
    });
    world.read(1, {8, 4});
    EXPECT_EQ(world.reply(1), ReplyStatus::kOk);
    EXPECT_EQ(repaired, (std::set<DeviceIndex>{0, 1}));
}

TEST(SetTest, ASlowReadIsAskedOfAnotherMemberToo) {
    SetOptions options;
    options.hedge_after = milliseconds(50);
    SetWorld world(kTwoSources, options);
    world.mount();
    world.rule(on_device<ReadData>(0, std::nullopt));
    world.read(1, {8, 4});
    EXPECT_FALSE(world.reply(1));
    world.pass(milliseconds(50));
    EXPECT_EQ(world.reply(1), ReplyStatus::kOk);
}

TEST(SetTest, WhatWaitsForASetThatIsNotMountedFailsInTheEnd) {
    SetOptions options;
    options.mount_verification = milliseconds(60'000);
    SetWorld world(kTwoSources, options);
    world.rule([](const SetOutput& output) -> std::optional<Outcome> {
        return std::holds_alternative<ReadLabel>(output) ? Outcome::kFailed : Outcome::kOk;
    });
    world.feed(Start{});
    world.write(1, {8, 4});
    world.read(2, {8, 4});
    world.flush(3);
    world.pass(milliseconds(59'999));
    EXPECT_EQ(world.count<Reply>(), 0u);
    world.pass(milliseconds(1));
    for (std::uint64_t id = 1; id <= 3; ++id) {
        EXPECT_EQ(world.reply(id), ReplyStatus::kUnavailable) << id;
    }
    EXPECT_EQ(world.first<WriteData>(), -1);
}

TEST(SetTest, AWriteThatWaitsForALeaseTooLongFailsAndIsNeverBegun) {
    SetOptions options;
    options.mount_verification = milliseconds(60'000);
    SetWorld world(kTwoSources, options);
    world.mount();
    world.lease.deadline = world.now;
    world.write(1, {8, 4});
    world.pass(milliseconds(60'000));
    EXPECT_EQ(world.reply(1), ReplyStatus::kUnavailable);
    world.lease.deadline = BootTime::max();
    world.pass(milliseconds(1000));
    EXPECT_EQ(world.first<WriteData>(), -1);
    world.write(2, {8, 4});
    EXPECT_EQ(world.reply(2), ReplyStatus::kOk) << "nothing waits behind it";
}

TEST(SetTest, FlushesThatComeTogetherShareOneOfEachMember) {
    SetWorld world(kTwoSources);
    world.mount();
    world.done.clear();
    world.rule(on_device<FlushDevice>(0, std::nullopt));
    world.flush(1);
    for (std::uint64_t id = 2; id <= 9; ++id) {
        world.flush(id);
    }
    world.rule({});
    world.end_held<FlushDevice>(Outcome::kOk);
    for (std::uint64_t id = 1; id <= 9; ++id) {
        EXPECT_EQ(world.reply(id), ReplyStatus::kOk) << id;
    }
    EXPECT_EQ(world.count<FlushDevice>(), 4u) << "one round for the first, one for the rest";
}

TEST(SetTest, AMemberIsTakenOutAtTheOperatorsWordButNotTheLastSource) {
    SetWorld world(kTwoSources);
    world.mount();
    world.feed(RemoveDevice{1});
    EXPECT_EQ(world.role(1), Role::kExpelled);
    world.feed(RemoveDevice{0});
    EXPECT_EQ(world.role(0), Role::kFull);
    world.feed(AddDevice{1});
    EXPECT_EQ(world.role(1), Role::kFull) << "by a copy";
}

}  // namespace
}  // namespace quorate::shadowing
