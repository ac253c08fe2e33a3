#include "cluster/membership.hpp"

#include <algorithm>
#include <deque>
#include <map>

#include <gtest/gtest.h>

namespace quorate::cluster {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

MembershipOptions options(std::uint32_t node, std::uint64_t incarnation) {
    MembershipOptions options;
    options.self.id = {NodeId(node), Incarnation(incarnation)};
    options.self.name = "n" + std::to_string(node);
    options.self.levels = {1, 2};
    options.process = 100 + node;
    options.cluster_name = "orchard";
    options.key_fingerprint = "k1";
    return options;
}

MemberId life(std::uint32_t node) { return {NodeId(node), Incarnation(node)}; }

// Members that talk through a perfect group: everything is delivered, in order, at once. What they
// give out is kept; floors are written when the test says so, unless `flushes`.
class Group : public ::testing::Test {
protected:
    void add(const MembershipOptions& which, std::optional<Floor> floor = std::nullopt) {
        const auto node = which.self.id.node;
        members_.insert_or_assign(node, Membership(which));
        processes_[node] = {node, which.process};
        feed(node, FloorLoaded{std::move(floor)});
    }
    void add_three() {
        for (std::uint32_t node = 1; node <= 3; ++node) {
            add(options(node, node));
        }
    }
    // A new ring of these, about which CPG and votequorum speak to all.
    void ring(const std::vector<std::uint32_t>& nodes, bool quorate = true) {
        ring_.sequence += 4;
        for (const auto node : nodes) {
            group(node, nodes);
        }
        for (const auto node : nodes) {
            vote(node, quorate);
        }
    }
    void group(std::uint32_t node, const std::vector<std::uint32_t>& nodes) {
        feed(NodeId(node), group_of(nodes));
    }
    GroupChanged group_of(const std::vector<std::uint32_t>& nodes) {
        GroupChanged change{ring_, {}, {}, {}};
        for (const auto node : nodes) {
            change.members.push_back(processes_[NodeId(node)]);
        }
        return change;
    }
    void vote(std::uint32_t node, bool quorate) {
        feed(NodeId(node), QuorumChanged{ring_, quorate, 1, 3, 2});
    }

    void feed(NodeId node, const MembershipInput& input) {
        give(node, input);
        while (!group_.empty()) {
            const auto message = group_.front();
            group_.pop_front();
            for (auto& [other, member] : members_) {
                if (!deaf_.contains(other)) {
                    give(other, message);
                }
            }
        }
    }
    void give(NodeId node, const MembershipInput& input) {
        for (auto& output : members_.at(node).step(now_, input)) {
            if (auto* multicast = std::get_if<Multicast>(&output)) {
                group_.push_back({processes_[node], std::move(multicast->bytes)});
            } else if (auto* write = std::get_if<WriteFloor>(&output); write && flushes_) {
                give(node, FloorWritten{write->floor.epoch, write->on_disk});
            } else {
                outputs_[node].push_back(std::move(output));
            }
        }
    }
    void wait(milliseconds time) {
        now_ += time;
        for (auto& [node, member] : members_) {
            feed(node, Tick{});
        }
    }

    const View* view(std::uint32_t node) { return members_.at(NodeId(node)).view(); }
    bool quorate(std::uint32_t node) { return members_.at(NodeId(node)).quorate(); }
    template <class Output>
    std::vector<Output> said(std::uint32_t node) {
        std::vector<Output> found;
        for (const auto& output : outputs_[NodeId(node)]) {
            if (const auto* one = std::get_if<Output>(&output)) {
                found.push_back(*one);
            }
        }
        return found;
    }

    MonoTime now_{seconds(1000)};
    RingId ring_{NodeId(1), 4};
    std::map<NodeId, Membership> members_;
    std::map<NodeId, GroupMember> processes_;
    std::map<NodeId, std::vector<MembershipOutput>> outputs_;
    std::deque<GroupDelivered> group_;
    std::set<NodeId> deaf_;
    bool flushes_ = true;
};

TEST_F(Group, ThreeMembersCommitOneView) {
    add_three();
    ring({1, 2, 3});
    ASSERT_NE(view(1), nullptr);
    EXPECT_EQ(view(1)->epoch, Epoch(1));
    EXPECT_EQ(view(1)->members.size(), 3U);
    EXPECT_TRUE(quorate(1));
    EXPECT_EQ(*view(1), *view(2));
    EXPECT_EQ(*view(1), *view(3));
}

TEST_F(Group, NobodySpeaksBeforeVotequorumSpokeForTheSameRing) {
    add_three();
    ring({1, 2, 3});
    ring_.sequence += 4;
    group(1, {1, 2});
    group(2, {1, 2});
    EXPECT_EQ(view(1)->epoch, Epoch(1)) << "votequorum has only spoken for the last ring";
    vote(1, true);
    EXPECT_EQ(view(1)->epoch, Epoch(1));
    vote(2, true);
    EXPECT_EQ(view(1)->epoch, Epoch(2));
}

TEST_F(Group, VotequorumMaySpeakBeforeTheGroup) {
    add_three();
    ring_.sequence += 4;
    for (std::uint32_t node = 1; node <= 3; ++node) {
        vote(node, true);
    }
    GroupChanged change{ring_, {}, {}, {}};
    for (const auto& [node, process] : processes_) {
        change.members.push_back(process);
    }
    for (const auto& [node, process] : processes_) {
        give(node, change);
    }
    feed(NodeId(1), Tick{});
    EXPECT_TRUE(quorate(3));
}

TEST_F(Group, NoViewBeforeEveryFloorIsFlushed) {
    flushes_ = false;
    add_three();
    ring({1, 2, 3});
    for (std::uint32_t node = 1; node <= 3; ++node) {
        EXPECT_EQ(view(1), nullptr);
        const auto writes = said<WriteFloor>(node);
        ASSERT_EQ(writes.size(), 1U);
        EXPECT_EQ(writes[0].floor.epoch, Epoch(1));
        feed(NodeId(node), FloorWritten{writes[0].floor.epoch, false});
    }
    EXPECT_NE(view(1), nullptr);
}

TEST_F(Group, AFullRestartGoesOnAboveTheGreatestFloor) {
    Floor floor;
    floor.epoch = Epoch(41);
    add(options(1, 11));
    add(options(2, 12), floor);
    add(options(3, 13));
    ring({1, 2, 3});
    EXPECT_EQ(view(3)->epoch, Epoch(42));
}

TEST_F(Group, QuorumIsLostAtOnceAndFoundUnderANewEpoch) {
    add_three();
    ring({1, 2, 3});
    vote(1, false);
    EXPECT_EQ(said<QuorumLost>(1).size(), 1U);
    EXPECT_FALSE(quorate(1));
    EXPECT_FALSE(view(2)->quorate) << "the others agree in the next view";
    vote(1, true);
    EXPECT_TRUE(quorate(1));
    EXPECT_TRUE(quorate(2));
    EXPECT_EQ(view(1)->epoch, Epoch(3));
}

TEST_F(Group, LosingCorosyncLosesQuorum) {
    add_three();
    ring({1, 2, 3});
    feed(NodeId(2), GroupLost{});
    EXPECT_FALSE(quorate(2));
    EXPECT_TRUE(quorate(1));
}

TEST_F(Group, WhoLostCorosyncAndFoundItAgainSpeaksAtOnce) {
    add_three();
    ring({1, 2, 3});
    feed(NodeId(2), GroupLost{});
    // It is back before the others have agreed to go on without it.
    const auto n1 = processes_[NodeId(1)];
    const auto n3 = processes_[NodeId(3)];
    for (const auto node : {1, 3}) {
        give(NodeId(node), GroupChanged{ring_, {n1, n3}, {}, {}});
    }
    for (const auto node : {1, 2, 3}) {
        give(NodeId(node), GroupChanged{ring_, {n1, processes_[NodeId(2)], n3}, {}, {}});
    }
    vote(2, true);
    EXPECT_TRUE(quorate(2));
    EXPECT_EQ(view(2)->members.size(), 3U);
    EXPECT_EQ(view(2)->epoch, view(1)->epoch);
}

TEST_F(Group, WhoDoesNotSpeakIsLeftOutAfterAWhileAndComesBackByItself) {
    add_three();
    deaf_ = {NodeId(3)};
    ring({1, 2});
    ring({1, 2, 3});
    deaf_.clear();
    EXPECT_EQ(view(1)->members.size(), 2U);
    outputs_.clear();
    members_.at(NodeId(3)) = Membership(options(3, 33));  // hangs: has not even loaded its floor
    ring({1, 2, 3});
    wait(milliseconds(4999));
    EXPECT_TRUE(said<ViewCommitted>(1).empty());
    wait(milliseconds(1));
    EXPECT_EQ(said<ViewCommitted>(1).size(), 1U);
    EXPECT_EQ(view(1)->members.size(), 2U);
    feed(NodeId(3), FloorLoaded{});
    EXPECT_EQ(view(3)->members.size(), 3U);
    EXPECT_EQ(*view(1), *view(3));
}

TEST_F(Group, WhoIsRefusedHearsWhyAndEnds) {
    add(options(1, 1));
    add(options(2, 2));
    auto foreign = options(3, 3);
    foreign.key_fingerprint = "k9";
    add(foreign);
    ring({1, 2, 3});
    ASSERT_EQ(said<Expelled>(3).size(), 1U);
    EXPECT_NE(said<Expelled>(3)[0].reason.find("cluster.key"), std::string::npos);
    ASSERT_EQ(said<Refusal>(1).size(), 1U);
    EXPECT_EQ(said<Refusal>(1)[0].cause, Refusal::Cause::kKey);
    EXPECT_EQ(view(1)->members.size(), 2U);
    EXPECT_TRUE(members_.at(NodeId(3)).expelled());
}

TEST_F(Group, WhoComesBackAfterTheOthersWentOnIsExpelled) {
    add_three();
    ring({1, 2, 3});
    deaf_ = {NodeId(3)};
    ring({1, 2});
    EXPECT_EQ(view(1)->lost, (std::vector{MemberId{NodeId(3), Incarnation(3)}}));
    deaf_.clear();
    ring({1, 2, 3});
    EXPECT_EQ(said<Expelled>(3).size(), 1U);
    EXPECT_EQ(view(2)->members.size(), 2U);
}

// Whoever stood still in the group, with a floor above the others', must not make them vouch for
// what they said before they went on without it.
// It was never a member, but the others may have begun to take over from it.
TEST_F(Group, WhoNeverHeardWhetherItBecameAMemberIsExpelledIfTheOthersWentOn) {
    add_three();
    deaf_ = {NodeId(3)};
    ring({1, 2, 3});
    EXPECT_EQ(view(1), nullptr);
    ring({1, 2});
    ASSERT_TRUE(quorate(1));
    EXPECT_EQ(view(1)->lost, (std::vector{MemberId{NodeId(3), Incarnation(3)}}));
    deaf_.clear();
    ring({1, 2, 3});
    EXPECT_EQ(said<Expelled>(3).size(), 1U);
    EXPECT_EQ(view(1)->members.size(), 2U);
}

TEST_F(Group, TheFloorOfAnotherClusterDoesNotHideThatALifeIsLost) {
    for (std::uint32_t node = 1; node <= 3; ++node) {
        add(options(node, node));
    }
    auto foreign = options(4, 4);
    foreign.cluster_name = "other";
    add(foreign, Floor{Epoch(1000), {}});
    deaf_ = {NodeId(4)};
    ring({1, 2});
    flushes_ = false;
    ring({1, 2, 3, 4});
    deaf_ = {NodeId(3), NodeId(4)};
    for (std::uint32_t node = 1; node <= 2; ++node) {
        for (const auto& write : said<WriteFloor>(node)) {
            feed(NodeId(node), FloorWritten{write.floor.epoch, write.on_disk});
        }
    }
    flushes_ = true;
    ring({1, 2});
    ASSERT_TRUE(quorate(1));
    deaf_ = {NodeId(4)};
    ring({1, 2, 3});
    const bool lost = std::ranges::find(view(1)->lost, MemberId{NodeId(3), Incarnation(3)}) !=
                      view(1)->lost.end();
    EXPECT_TRUE(lost);
    EXPECT_EQ(said<Expelled>(3).size(), 1U);
}

TEST_F(Group, AWordThatTheGroupOverrunsRaisesNoDoubt) {
    add_three();
    for (int i = 0; i < 3; ++i) {
        ring({1, 2});
    }
    deaf_ = {NodeId(1), NodeId(2), NodeId(3)};
    group(3, {1, 2, 3});
    vote(3, true);
    add(options(4, 4));
    group(3, {1, 2, 3, 4});
    deaf_.clear();
    for (std::uint32_t node = 1; node <= 3; ++node) {
        give(NodeId(node), group_of({1, 2, 3}));
    }
    feed(NodeId(1), Tick{});
    EXPECT_TRUE(said<Expelled>(3).empty());
    ASSERT_NE(view(3), nullptr);
    EXPECT_EQ(view(3)->members.size(), 3U);
}

TEST_F(Group, WhoNeverHeardWhetherItBecameAMemberStaysIfTheOthersDidNotGoOn) {
    add_three();
    deaf_ = {NodeId(3)};
    ring({1, 2, 3});
    deaf_.clear();
    ring({1, 2, 3});
    EXPECT_EQ(view(3)->members.size(), 3U);
}

TEST_F(Group, WhoStoodStillInTheGroupIsExpelledWhateverItsFloor) {
    add_three();
    ring({1, 2, 3});
    for (int i = 0; i < 4; ++i) {
        ring({2}, /*quorate=*/false);
    }
    EXPECT_EQ(view(2)->epoch, Epoch(5));
    EXPECT_EQ(members_.at(NodeId(2)).floor().lineage.epoch, Epoch(1)) << "the last with quorum";
    ring_.sequence += 4;
    group(1, {1, 2, 3});
    group(3, {1, 2, 3});
    vote(1, true);
    vote(3, true);
    wait(seconds(5));
    EXPECT_EQ(view(1)->epoch, Epoch(2));
    EXPECT_EQ(view(1)->members.size(), 2U);
    group(2, {1, 2, 3});
    vote(2, true);
    EXPECT_EQ(said<Expelled>(2).size(), 1U);
    EXPECT_EQ(view(1)->members.size(), 2U);
}

TEST_F(Group, ATakenOverLifeIsForgottenWhenAllWereTold) {
    add_three();
    ring({1, 2, 3});
    ring({1, 2});
    const MemberId lost{NodeId(3), Incarnation(3)};
    feed(NodeId(1), TakenOver{lost});
    feed(NodeId(2), TakenOver{lost});
    ring({1, 2});
    EXPECT_TRUE(view(1)->lost.empty());
}

TEST_F(Group, TheOperatorRaisesTheLevelWhenAllSpeakIt) {
    add_three();
    ring({1, 2, 3});
    EXPECT_EQ(view(1)->level, 2) << "a new cluster starts with the highest common level";
    feed(NodeId(1), RaiseLevel{3});
    ASSERT_EQ(said<LevelRefused>(1).size(), 1U);
    EXPECT_NE(said<LevelRefused>(1)[0].text.find("n1 (1 to 2), n2 (1 to 2)"), std::string::npos);
}

TEST_F(Group, ARaisedLevelIsAgreedInANewViewAndKept) {
    Floor floor;
    floor.epoch = floor.lineage.epoch = Epoch(5);
    floor.lineage.level = 1;
    add(options(1, 1), floor);
    add(options(2, 2), floor);
    ring({1, 2});
    EXPECT_EQ(view(1)->level, 1);
    feed(NodeId(2), RaiseLevel{2});
    EXPECT_EQ(view(1)->level, 2);
    EXPECT_EQ(members_.at(NodeId(1)).floor().lineage.level, 2);
}

TEST_F(Group, ANodeThatDrainsStaysAMemberWithoutShareOfTheDirectory) {
    auto second = options(2, 2);
    second.self.directory_weight = 5;
    add(options(1, 1));
    add(second);
    ring({1, 2});
    const auto before = view(1)->epoch;
    feed(NodeId(2), SetDraining{true});
    EXPECT_GT(view(1)->epoch, before);
    EXPECT_TRUE(view(1)->members[1].draining);
    EXPECT_EQ(view(1)->members[1].directory_weight, 0U);
    feed(NodeId(2), SetDraining{false});
    EXPECT_FALSE(view(1)->members[1].draining);
    EXPECT_EQ(view(1)->members[1].directory_weight, 5U);
}

TEST_F(Group, RubbishInTheGroupIsNotedAndDisturbsNobody) {
    add_three();
    ring({1, 2, 3});
    feed(NodeId(1), GroupDelivered{{NodeId(2), 102}, "rubbish"});
    EXPECT_EQ(said<Note>(1).back().event, "group_message_refused");
    EXPECT_TRUE(quorate(1));
}

TEST_F(Group, AMessageInAnothersNameIsNotBelieved) {
    add_three();
    ring({1, 2, 3});
    Hello forged;
    forged.configuration = configuration_of(
        ring_, {processes_[NodeId(1)], processes_[NodeId(2)], processes_[NodeId(3)]});
    forged.self.id = {NodeId(3), Incarnation(666)};
    feed(NodeId(1), GroupDelivered{processes_[NodeId(2)], encode(forged)});
    EXPECT_EQ(said<Note>(1).back().event, "group_message_refused");
}

TEST_F(Group, TheDiskDecidesOnlyWithAFloorReadInThisRound) {
    add_three();
    ring_.sequence += 4;
    group(1, {1});
    QuorumDisk disk{ring_, 2, now_ + seconds(4), 1, 0, {}};
    feed(NodeId(1), disk);
    feed(NodeId(1), QuorumChanged{ring_, true, 1, 5, 3});
    EXPECT_EQ(view(1), nullptr);
    const auto reads = said<ReadDisk>(1);
    ASSERT_EQ(reads.size(), 1U);
    disk.read = reads[0].number;
    disk.floor.epoch = Epoch(17);
    feed(NodeId(1), disk);
    ASSERT_NE(view(1), nullptr);
    EXPECT_EQ(view(1)->epoch, Epoch(18));
    EXPECT_TRUE(quorate(1));
    EXPECT_EQ(view(1)->disk_votes, 2U);
}

TEST_F(Group, WhenTheDisksLeaseEndsQuorumIsLost) {
    add_three();
    ring_.sequence += 4;
    group(1, {1});
    feed(NodeId(1), QuorumChanged{ring_, true, 1, 5, 3});
    QuorumDisk disk{ring_, 2, now_ + seconds(4), 1, 0, {}};
    feed(NodeId(1), disk);
    disk.read = said<ReadDisk>(1).back().number;
    feed(NodeId(1), disk);
    EXPECT_TRUE(quorate(1));
    EXPECT_EQ(members_.at(NodeId(1)).deadline(), now_ + seconds(4));
    wait(seconds(4));
    EXPECT_FALSE(quorate(1));
    EXPECT_FALSE(view(1)->quorate);
}

// Asleep meanwhile, it never sees that it had lost it, and another made epochs with it.
TEST_F(Group, TheDiskWonAnewInTheSameRingIsReadAnew) {
    add_three();
    ring_.sequence += 4;
    group(1, {1});
    feed(NodeId(1), QuorumChanged{ring_, true, 1, 5, 3});
    QuorumDisk disk{ring_, 2, now_ + seconds(4), 1, 0, {}};
    feed(NodeId(1), disk);
    disk.read = said<ReadDisk>(1).back().number;
    feed(NodeId(1), disk);
    const auto before = view(1)->epoch;
    disk.hold = 2;
    disk.deadline = now_ + seconds(20);
    feed(NodeId(1), disk);
    EXPECT_FALSE(quorate(1));
    EXPECT_GT(said<ReadDisk>(1).back().number, disk.read);
    disk.read = said<ReadDisk>(1).back().number;
    disk.floor.epoch = Epoch(before.value() + 7);
    feed(NodeId(1), disk);
    EXPECT_TRUE(quorate(1));
    EXPECT_EQ(view(1)->epoch, Epoch(before.value() + 8));
}

// What it said became a proposal on the disk, and another ring took the disk over from there.
TEST_F(Group, WhoSpokeWhereTheDiskWasHeldMayHaveJoined) {
    add_three();
    flushes_ = false;
    ring_.sequence += 4;
    QuorumDisk disk{ring_, 2, now_ + seconds(4), 1, 0, {}};
    for (std::uint32_t node = 1; node <= 2; ++node) {
        give(NodeId(node), group_of({1, 2}));
        give(NodeId(node), QuorumChanged{ring_, true, 1, 5, 3});
    }
    feed(NodeId(1), disk);
    disk.read = said<ReadDisk>(1).back().number;
    feed(NodeId(1), disk);
    EXPECT_FALSE(said<WriteFloor>(1).empty());
    disk.read = 0;
    feed(NodeId(2), disk);
    disk.read = said<ReadDisk>(2).back().number;
    disk.floor = {Epoch(11), {Epoch(11), 1, {life(3)}, {life(1), life(2)}, Epoch(10)}};
    feed(NodeId(2), disk);
    EXPECT_EQ(said<Expelled>(2).size(), 1U);
}

TEST(Solo, IsAClusterOfOneWithoutCorosync) {
    auto alone = options(7, 77);
    alone.solo = true;
    Membership member(alone);
    const MonoTime now{seconds(1)};
    const auto outputs = member.step(now, FloorLoaded{});
    ASSERT_EQ(outputs.size(), 1U);
    const auto write = std::get<WriteFloor>(outputs[0]);
    EXPECT_EQ(write.floor.epoch, Epoch(1));
    const auto committed = member.step(now, FloorWritten{Epoch(1), false});
    ASSERT_EQ(committed.size(), 1U);
    const auto view = std::get<ViewCommitted>(committed[0]).view;
    EXPECT_TRUE(view.quorate);
    EXPECT_EQ(view.members.size(), 1U);
    EXPECT_EQ(view.coordinator, NodeId(7));
    EXPECT_FALSE(member.deadline());
}

TEST(Solo, AnEarlierLifeIsLostAtTheNextStart) {
    auto alone = options(7, 78);
    alone.solo = true;
    Membership member(alone);
    Floor floor;
    floor.epoch = floor.lineage.epoch = Epoch(1);
    floor.lineage.level = 2;
    floor.lineage.members = {{NodeId(7), Incarnation(77)}};
    member.step(MonoTime{}, FloorLoaded{floor});
    member.step(MonoTime{}, FloorWritten{Epoch(2), false});
    EXPECT_EQ(member.view()->epoch, Epoch(2));
    EXPECT_EQ(member.view()->lost, floor.lineage.members);
}

}  // namespace
}  // namespace quorate::cluster
