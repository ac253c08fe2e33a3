#include <gtest/gtest.h>

#include "set_world.hpp"
#include "shadowing/set.hpp"

// What goes on beside the clients' requests.
namespace quorate::shadowing {
namespace {

using std::chrono::milliseconds;
using testing::SetWorld;

const std::vector<Role> kSources{Role::kFull, Role::kFull, Role::kFull};

// Disks of which some have something else than the others.
class Rotten {
public:
    Rotten(SetWorld& world, std::set<DeviceIndex> which) : rotten_(std::move(which)) {
        world.rule([this](const SetOutput& output) { return look_at(output); });
    }
    const std::set<DeviceIndex>& devices() const { return rotten_; }

private:
    std::optional<Outcome> look_at(const SetOutput& output) {
        if (const auto* read = std::get_if<ReadData>(&output)) {
            read_[read->op.value()] = read->device;
        } else if (const auto* compare = std::get_if<CompareData>(&output)) {
            const auto with = read_.at(compare->with.value());
            if (rotten_.contains(compare->device) != rotten_.contains(with)) {
                return Outcome::kDiffers;
            }
        } else if (const auto* write = std::get_if<WriteData>(&output)) {
            if (rotten_.contains(read_.at(write->data.id))) {
                rotten_.insert(write->device);
            } else {
                rotten_.erase(write->device);
            }
        }
        return Outcome::kOk;
    }

    std::set<DeviceIndex> rotten_;
    std::map<std::uint64_t, DeviceIndex> read_;  // by operation
};

Steer pass_now() { return {Work::kScrub, Pace{}, /*pass_now=*/true}; }

TEST(ScrubTest, AllSourcesAreComparedOverAndOver) {
    SetOptions options;
    options.scrub_every = milliseconds(50);
    SetWorld world({Role::kFull, Role::kFull}, options);
    world.mount();
    EXPECT_EQ(world.count<CompareData>(), 0u);
    world.pass(milliseconds(50));
    EXPECT_EQ(world.count<CompareData>(), 1u) << "all of it in one chunk";
    EXPECT_EQ(world.status().found.passes, 1u);
    world.pass(milliseconds(50));
    EXPECT_EQ(world.count<CompareData>(), 2u);
    EXPECT_EQ(world.count<WriteData>(), 0u) << "they are equal";
}

TEST(ScrubTest, TheMajorityIsBelieved) {
    for (DeviceIndex rotten = 0; rotten < 3; ++rotten) {
        SetWorld world(kSources);
        world.mount();
        Rotten disks(world, {rotten});
        world.feed(pass_now());
        EXPECT_EQ(disks.devices(), std::set<DeviceIndex>());
        const auto found = world.status().found;
        EXPECT_EQ(found.mismatches, 1u);
        EXPECT_EQ(found.undecided, 0u);
        EXPECT_EQ(found.passes, 1u);
    }
}

TEST(ScrubTest, WithoutAMajorityTheOldestSourceIsTakenAndThatIsSaid) {
    SetWorld world({Role::kFull, Role::kFull});
    world.mount();
    Rotten disks(world, {1});
    world.feed(pass_now());
    EXPECT_EQ(disks.devices(), std::set<DeviceIndex>());
    EXPECT_EQ(world.status().found.undecided, 1u);
    EXPECT_GE(world.first<SetNote>([](const SetNote& one) {
        return one.text.find("without a majority") != std::string::npos;
    }),
              0);
}

TEST(ScrubTest, WhatOneSourceCannotReadIsWrittenThere) {
    SetWorld world({Role::kFull, Role::kFull});
    world.mount();
    bool written = false;
    world.rule([&](const SetOutput& output) -> std::optional<Outcome> {
        const auto* compare = std::get_if<CompareData>(&output);
        written |= std::holds_alternative<WriteData>(output);
        return compare != nullptr && !written ? Outcome::kUnreadable : Outcome::kOk;
    });
    world.feed(pass_now());
    EXPECT_TRUE(written);
    EXPECT_EQ(world.status().found.repaired, 1u);
    EXPECT_EQ(world.status().found.mismatches, 0u);
}

TEST(ScrubTest, WhoDoesNotKeepWhatIsWrittenIsExpelled) {
    SetWorld world(kSources);
    world.mount();
    world.rule([](const SetOutput& output) -> std::optional<Outcome> {
        const auto* compare = std::get_if<CompareData>(&output);
        return compare != nullptr && compare->device == 2 ? Outcome::kDiffers : Outcome::kOk;
    });
    world.feed(pass_now());
    EXPECT_EQ(world.role(2), Role::kExpelled);
    EXPECT_NE(world.status().members[2].why.find("does not keep"), std::string::npos);
}

TEST(ScrubTest, WhatIsStoppedIsBegunNoFurther) {
    SetOptions options;
    options.paces[static_cast<std::size_t>(Work::kCopy)].runs = false;
    SetWorld world({Role::kFull, Role::kCopy}, options);
    world.mount();
    EXPECT_EQ(world.count<CompareData>(), 0u);
    EXPECT_EQ(world.status().of(Work::kCopy).state, "stopped by the operator");
    world.feed(Steer{Work::kCopy, Pace{}});
    EXPECT_EQ(world.role(1), Role::kFull);
}

TEST(ScrubTest, ACopyLeavesClientsTheirShareOfTheTime) {
    SetOptions options;
    options.chunk_blocks = 8;
    options.hedge_after = milliseconds(100'000);
    options.paces[static_cast<std::size_t>(Work::kCopy)] = {true, 25};
    options.paces[static_cast<std::size_t>(Work::kScrub)].runs = false;
    SetWorld world({Role::kFull, Role::kCopy}, options);
    // Of a client, which waits all the time; and every comparison takes 10 ms.
    world.rule([](const SetOutput& output) -> std::optional<Outcome> {
        const auto* read = std::get_if<ReadData>(&output);
        const bool of_client = read != nullptr && read->extent.blocks == 1;
        return of_client || std::holds_alternative<CompareData>(output)
                   ? std::nullopt
                   : std::optional(Outcome::kOk);
    });
    world.read(1, {0, 1});
    world.mount();
    EXPECT_EQ(world.count<CompareData>(), 1u) << "one chunk at a time";
    world.pass(milliseconds(10));
    world.end_held<CompareData>(Outcome::kOk);
    world.pass(milliseconds(29));
    EXPECT_EQ(world.count<CompareData>(), 1u);
    world.pass(milliseconds(1));
    EXPECT_EQ(world.count<CompareData>(), 2u) << "a quarter of the time";
    world.end_held<ReadData>(Outcome::kOk);
    world.pass(milliseconds(201));
    EXPECT_EQ(world.count<CompareData>(), 8u) << "nobody asks for anything: all of the time";
}

TEST(ScrubTest, ACopySaysHowFarItIsAndWhenItWillBeDone) {
    SetOptions options;
    options.chunk_blocks = 8;
    options.jobs_max = 1;
    SetWorld world({Role::kFull, Role::kCopy}, options);
    world.rule([](const SetOutput& output) -> std::optional<Outcome> {
        return std::holds_alternative<CompareData>(output) ? std::nullopt
                                                           : std::optional(Outcome::kOk);
    });
    world.mount();
    world.pass(milliseconds(2000));
    world.end_held<CompareData>(Outcome::kOk);
    const auto copy = world.status().of(Work::kCopy);
    EXPECT_TRUE(copy.here);
    EXPECT_EQ(copy.done_blocks, 8u);
    EXPECT_EQ(copy.of_blocks, SetWorld::kBlocks);
    EXPECT_EQ(copy.blocks_per_second, 4u);
    EXPECT_EQ(copy.left, std::chrono::seconds(14));
    EXPECT_EQ(world.status().of(Work::kMerge).state, "nothing to merge");
}

TEST(ScrubTest, EachMemberSaysWhyItIsWhatItIs) {
    SetOptions options;
    options.volunteers = false;
    SetWorld world({Role::kFull, Role::kCopy, Role::kFull}, options);
    world.mount();
    world.feed(RemoveDevice{2, /*keep_changes=*/true});
    const auto members = world.status().members;
    EXPECT_EQ(members[0].why, "source: has every acknowledged write since generation 1");
    EXPECT_EQ(members[1].why.find("target: came in generation 1"), 0u);
    EXPECT_EQ(members[2].why,
              "expelled in generation 3: the operator removed it; the others keep in mind what "
              "changes, for a minicopy");
}

TEST(ScrubTest, AMemberOfAnotherSiteIsReadOnlyWhenNoOtherCanBe) {
    SetOptions options;
    options.site = 1;
    options.devices = {{"far", 1, 2}, {"near", 60'000, 1}};
    SetWorld world({Role::kFull, Role::kFull}, options);
    world.mount();
    world.read(1, {8, 1});
    EXPECT_EQ(world.first<ReadData>([](const ReadData& one) { return one.device == 0; }), -1);
    world.rule([](const SetOutput& output) -> std::optional<Outcome> {
        const auto* read = std::get_if<ReadData>(&output);
        return read != nullptr && read->device == 1 ? Outcome::kUnreadable : Outcome::kOk;
    });
    world.read(2, {8, 1});
    EXPECT_EQ(world.reply(2), ReplyStatus::kOk);
}

TEST(ScrubTest, ARepairEndsWhenWhoCouldNotReadHasLeft) {
    SetWorld world(kSources);
    world.mount();
    world.rule([](const SetOutput& output) -> std::optional<Outcome> {
        const auto* read = std::get_if<ReadData>(&output);
        const auto* write = std::get_if<WriteData>(&output);
        if (write != nullptr) {
            return std::nullopt;
        }
        return read != nullptr && read->device == 0 ? Outcome::kUnreadable : Outcome::kOk;
    });
    world.read(1, {8, 4});
    EXPECT_EQ(world.count<WriteData>(), 1u);
    world.feed(RemoveDevice{0, false});
    world.rule({});
    world.write(2, {8, 4});
    EXPECT_EQ(world.reply(2), ReplyStatus::kOk) << "the repair has given the stall lock back";
}

}  // namespace
}  // namespace quorate::shadowing
