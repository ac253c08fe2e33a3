#include <gtest/gtest.h>

#include "set_world.hpp"
#include "shadowing/set.hpp"

namespace quorate::shadowing {
namespace {

using testing::SetWorld;

const std::vector<Role> kTwoSources{Role::kFull, Role::kFull};

std::optional<bool> left_clean(const SetWorld& world) {
    for (const auto& output : world.done) {
        if (const auto* left = std::get_if<Dismounted>(&output)) {
            return left->clean;
        }
    }
    return std::nullopt;
}

TEST(DismountTest, AnswersFirstWhatWasAskedFor) {
    SetWorld world(kTwoSources);
    world.mount();
    world.rule([](const SetOutput& output) -> std::optional<Outcome> {
        return std::holds_alternative<WriteData>(output) ? std::nullopt
                                                         : std::optional(Outcome::kOk);
    });
    world.write(1, {8, 4});
    world.feed(Dismount{});
    EXPECT_FALSE(left_clean(world));
    world.end_held<WriteData>(Outcome::kOk);
    EXPECT_FALSE(left_clean(world));
    world.end_held<WriteData>(Outcome::kOk);
    EXPECT_EQ(world.reply(1), ReplyStatus::kOk);
    EXPECT_EQ(left_clean(world), true);
}

TEST(DismountTest, TheLabelsAreCleanWhenEverythingIsFlushedAndTheLogNamesNothing) {
    SetWorld world(kTwoSources);
    world.mount();
    world.write(1, {8, 4});
    world.feed(Dismount{});
    const auto clean =
        world.first<WriteLabel>([](const WriteLabel& one) { return one.label.clean; });
    ASSERT_GE(clean, 0);
    const auto empty = world.first<WriteIntent>(
        [](const WriteIntent& one) { return one.block.sequence > 1 && one.block.regions.empty(); });
    ASSERT_GE(empty, 0);
    EXPECT_LT(world.first<FlushDevice>(), empty);
    EXPECT_LT(empty, clean);
}

TEST(DismountTest, TheLabelsAreNotCleanWhileAnotherOpenerIsThere) {
    SetWorld world(kTwoSources);
    world.mount();
    world.taken.insert({LockKind::kSlot, 1});
    world.feed(Dismount{});
    EXPECT_EQ(left_clean(world), false);
    EXPECT_FALSE(world.label(0).clean);
}

TEST(DismountTest, NothingIsBegunAfterwards) {
    SetWorld world(kTwoSources);
    world.mount();
    world.feed(Dismount{});
    const auto outputs = world.done.size();
    world.write(1, {8, 4});
    world.pass(std::chrono::seconds(60));
    EXPECT_EQ(world.done.size(), outputs);
}

TEST(DismountTest, TheDevicesAreClosedBeforeTheLocksAreGivenUp) {
    SetWorld world(kTwoSources);
    world.mount();
    world.feed(Dismount{});
    const auto given_up = world.first<Lock>([](const Lock& one) {
        return one.lock.kind == LockKind::kSlot && one.lock.number == 0 && one.hold == Hold::kNone;
    });
    EXPECT_LT(world.first<CloseDevice>(), given_up);
}

TEST(AcceptLossTest, ALoneMemberThatMayBeOldIsMountedUnderANewLineage) {
    SetOptions options;
    options.accept_loss = true;
    SetWorld world(kTwoSources, options);
    world.forget_witness();
    const auto before = world.label(0);
    world.rule([](const SetOutput& output) -> std::optional<Outcome> {
        const auto* read = std::get_if<ReadLabel>(&output);
        return read != nullptr && read->device == 1 ? Outcome::kFailed : Outcome::kOk;
    });
    world.mount();
    const auto& label = world.label(0);
    EXPECT_NE(label.lineage, before.lineage);
    ASSERT_EQ(label.forks.size(), 1u);
    EXPECT_EQ(label.forks[0].lineage, before.lineage);
    EXPECT_EQ(label.members[1].role, Role::kExpelled);
    EXPECT_GT(label.generation.number, before.generation.number);
}

TEST(AcceptLossTest, WithoutTheOperatorsWordItIsRefused) {
    SetWorld world(kTwoSources);
    world.forget_witness();
    world.rule([](const SetOutput& output) -> std::optional<Outcome> {
        const auto* read = std::get_if<ReadLabel>(&output);
        return read != nullptr && read->device == 1 ? Outcome::kFailed : Outcome::kOk;
    });
    world.feed(Start{});
    EXPECT_FALSE(world.mounted);
    EXPECT_GE(world.first<MountRefused>(), 0);
}

TEST(AcceptLossTest, AMemberOfTheOldLineageIsCopiedWhole) {
    SetOptions options;
    options.accept_loss = true;
    options.volunteers = false;
    SetWorld world(kTwoSources, options);
    world.forget_witness();
    world.rule([](const SetOutput& output) -> std::optional<Outcome> {
        const auto* read = std::get_if<ReadLabel>(&output);
        return read != nullptr && read->device == 1 ? Outcome::kFailed : Outcome::kOk;
    });
    world.mount();
    world.rule({});
    world.feed(AddDevice{1});
    EXPECT_EQ(world.role(1), Role::kCopy);
}

TEST(ExpansionTest, WhatIsNewIsZeroedAndFlushedBeforeTheLabelsSaySo) {
    SetWorld world(kTwoSources);
    world.mount();
    world.room = SetWorld::kBlocks + 32;
    world.feed(Expand{});
    world.pass(std::chrono::milliseconds(1));
    EXPECT_EQ(world.blocks(), SetWorld::kBlocks + 32);
    const auto grown = world.first<WriteLabel>([](const WriteLabel& one) {
        return one.label.set_blocks == SetWorld::kBlocks + 32 &&
               one.label.layout.member_blocks == SetWorld::kBlocks + 32;
    });
    ASSERT_GE(grown, 0);
    EXPECT_EQ(world.count<ZeroData>(), 2u);
    EXPECT_LT(world.first<ZeroData>(), world.first<FlushDevice>());
    EXPECT_LT(world.first<FlushDevice>(), grown);
    EXPECT_GE(world.first<Resized>(), grown);
}

TEST(ExpansionTest, WithoutRoomOnEveryMemberNothingHappens) {
    SetWorld world(kTwoSources);
    world.mount();
    world.feed(Expand{});
    EXPECT_EQ(world.count<ZeroData>(), 0u);
    world.write(1, {8, 4});
    EXPECT_EQ(world.reply(1), ReplyStatus::kOk);
}

}  // namespace
}  // namespace quorate::shadowing
