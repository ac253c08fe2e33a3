#include <gtest/gtest.h>

#include "set_world.hpp"
#include "shadowing/set.hpp"

namespace quorate::shadowing {
namespace {

using std::chrono::milliseconds;
using testing::SetWorld;

const std::vector<Role> kTwoSources{Role::kFull, Role::kFull};
constexpr std::uint64_t kRegion = 8;  // blocks, in SetWorld

// Everything of the device that was compared with a source.
std::set<std::uint64_t> compared_regions(const SetWorld& world, DeviceIndex device) {
    std::set<std::uint64_t> regions;
    for (const auto& output : world.done) {
        const auto* one = std::get_if<CompareData>(&output);
        if (one != nullptr && one->device == device) {
            regions.insert(one->extent.lbn / kRegion);
        }
    }
    return regions;
}

void remove_and_add(SetWorld& world, bool keep_changes) {
    world.mount();
    world.write(1, {0, 4});
    world.feed(RemoveDevice{1, keep_changes});
    world.pass(milliseconds(1));
    ASSERT_EQ(world.role(1), Role::kExpelled);
    world.write(2, {3 * kRegion, 4});
    world.pass(std::chrono::seconds(30));  // what is idle is left out of the log
    world.pass(std::chrono::seconds(30));
    world.write(3, {5 * kRegion, 4});
    world.done.clear();
    world.feed(AddDevice{1});
    for (int i = 0; i < 20; ++i) {
        world.pass(milliseconds(100));
    }
}

TEST(MinicopyTest, AMemberThatComesBackGetsWhatWasUnderWayOrChangedSince) {
    SetOptions options;
    options.chunk_blocks = 4;
    options.paces[static_cast<std::size_t>(Work::kScrub)].runs = false;
    SetWorld world(kTwoSources, options);
    remove_and_add(world, /*keep_changes=*/true);
    EXPECT_EQ(compared_regions(world, 1), (std::set<std::uint64_t>{0, 3, 5}));
    EXPECT_EQ(world.role(1), Role::kFull);
    EXPECT_EQ(world.label(0).changes_since, 0u);
}

TEST(MinicopyTest, WithoutAMapEverythingIsCopied) {
    SetOptions options;
    options.chunk_blocks = 4;
    SetWorld world(kTwoSources, options);
    remove_and_add(world, /*keep_changes=*/false);
    EXPECT_EQ(compared_regions(world, 1).size(), SetWorld::kBlocks / kRegion);
    EXPECT_EQ(world.role(1), Role::kFull);
}

TEST(CopyFenceTest, IsPublishedAfterAFlushAndTheNextCopierBeginsThere) {
    SetOptions options;
    options.chunk_blocks = 4;
    options.jobs_max = 1;
    options.publish_after = milliseconds(100);
    SetWorld world({Role::kFull, Role::kCopy}, options);
    // The copy stops in the middle.
    world.rule([](const SetOutput& output) -> std::optional<Outcome> {
        const auto* one = std::get_if<CompareData>(&output);
        return one != nullptr && one->extent.lbn >= 32 ? std::nullopt : std::optional(Outcome::kOk);
    });
    world.mount();
    for (int i = 0; i < 10; ++i) {
        world.pass(milliseconds(200));
    }
    EXPECT_EQ(world.label(0).members[1].fence, 32u);
    EXPECT_EQ(world.role(1), Role::kCopy);
}

TEST(CopyFenceTest, DoesNotHoldWhereNobodyCanReadWhatALostOpenerWrote) {
    SetOptions options;
    options.chunk_blocks = 4;
    options.jobs_max = 1;
    options.publish_after = milliseconds(100);
    SetWorld world({Role::kFull, Role::kCopy}, options);
    bool bad = false;
    world.rule([&](const SetOutput& output) -> std::optional<Outcome> {
        const auto* compare = std::get_if<CompareData>(&output);
        const auto* read = std::get_if<ReadData>(&output);
        if (bad && read != nullptr && read->extent.overlaps({9, 1})) {
            return Outcome::kUnreadable;
        }
        return compare != nullptr && compare->extent.lbn >= 32 ? std::nullopt
                                                               : std::optional(Outcome::kOk);
    });
    world.mount();
    for (int i = 0; i < 10; ++i) {
        world.pass(milliseconds(200));
    }
    ASSERT_EQ(world.label(0).members[1].fence, 32u);
    bad = true;
    world.leave(OpenerSlot(1), SetWorld::other(8), 1, {1});
    world.done.clear();
    world.feed(OpenerLost{OpenerSlot(1), SetWorld::other(8)});
    world.pass(milliseconds(1));
    const auto label = world.first<WriteLabel>();
    const auto cleared = world.first<WriteIntent>(
        [](const WriteIntent& one) { return one.block.slot == OpenerSlot(1); });
    ASSERT_GE(label, 0);
    const auto& member = std::get<WriteLabel>(world.done[static_cast<std::size_t>(label)]);
    EXPECT_EQ(member.label.members[1].fence, 0u);
    EXPECT_EQ(member.label.members[1].since, member.label.generation.number);
    EXPECT_GT(cleared, label) << "the log says where, until the labels do not";
    EXPECT_EQ(compared_regions(world, 1).count(1), 1u) << "the other blocks are merged";
}

}  // namespace
}  // namespace quorate::shadowing
