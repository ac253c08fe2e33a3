#include "chronicle.hpp"

#include <gtest/gtest.h>

namespace quorate::cluster {
namespace {

const MemberId kSelf{NodeId(1), Incarnation(1)};

Member member(std::uint32_t node) {
    Member member;
    member.id = {NodeId(node), Incarnation(node)};
    member.name = "n" + std::to_string(node);
    member.addresses = {"192.0.2." + std::to_string(node) + ":5410"};
    return member;
}

ViewCommitted view_of(std::uint64_t epoch, std::vector<std::uint32_t> nodes) {
    ViewCommitted committed;
    committed.view.epoch = Epoch(epoch);
    committed.view.quorate = true;
    committed.view.coordinator = NodeId(1);
    for (const auto node : nodes) {
        committed.view.members.push_back(member(node));
    }
    return committed;
}

Refusal refusal(std::uint32_t node, Refusal::Cause cause) {
    Refusal refusal;
    refusal.node = NodeId(node);
    refusal.name = "n" + std::to_string(node);
    refusal.cause = cause;
    refusal.text = "its key differs";
    return refusal;
}

class Written : public ::testing::Test {
protected:
    std::string kinds() const {
        std::string kinds;
        for (const auto& event : events_.recent()) {
            kinds += std::string(event.at("kind").as_string()) + " ";
        }
        return kinds;
    }

    boost::asio::io_context io_{1};
    EventLog events_{io_};
    io::ControlRouter peers_;
    Nodes nodes_{io_, nullptr, peers_, {"n1", "5410"}};
    Chronicle chronicle_{kSelf, events_, nodes_};
};

TEST_F(Written, ALeaseThatRunsOrStallsIsAnEventOnce) {
    LeasePage page;
    page.epoch = Epoch(5);
    chronicle_.note(page);
    EXPECT_EQ(kinds(), "") << "it has not run yet";
    page.state = LeaseState::kRunning;
    page.reason = StallReason::kNone;
    chronicle_.note(page);
    page.deadline = BootTime(std::chrono::seconds(9));
    chronicle_.note(page);
    EXPECT_EQ(kinds(), "lease_runs ") << "a new deadline is none";
    page.state = LeaseState::kStalled;
    page.reason = StallReason::kUnheard;
    chronicle_.note(page);
    chronicle_.note(page);
    EXPECT_EQ(kinds(), "lease_runs lease_stalled ");
    EXPECT_EQ(events_.recent().back().at("text").as_string(), text_of(StallReason::kUnheard));
}

TEST_F(Written, AViewIsAnEventAndTheNamesAreRemembered) {
    EXPECT_EQ(chronicle_.name_of(NodeId(2)), "node 2");
    chronicle_.note(view_of(5, {1, 2}));
    EXPECT_EQ(chronicle_.epoch(), Epoch(5));
    chronicle_.note(view_of(6, {1}));
    EXPECT_EQ(chronicle_.name_of(NodeId(2)), "n2") << "of one that has gone too";
    const auto recent = events_.recent();
    EXPECT_EQ(recent.at(0).at("text"), "members n1 n2");
    EXPECT_EQ(recent.at(0).at("quorate"), true);
    EXPECT_EQ(nodes_.addresses_of("n2"), std::vector<std::string>{"192.0.2.2:5410"});
}

TEST_F(Written, AConfiguredNodeHasItsNameBeforeItSpeaks) {
    nodes_.set_configured({{"n3", 3, {"192.0.2.3", "2001:db8::3"}, 1}});
    EXPECT_EQ(chronicle_.name_of(NodeId(3)), "n3");
    EXPECT_EQ(nodes_.addresses_of("n3"),
              (std::vector<std::string>{"192.0.2.3:5410", "[2001:db8::3]:5410"}));
    EXPECT_TRUE(nodes_.addresses_of("n4").empty());
}

TEST_F(Written, ARefusalStandsUntilItsNodeIsAMember) {
    nodes_.set_configured({{"n2", 2, {}, 1}});
    chronicle_.note(refusal(2, Refusal::Cause::kKey));
    ASSERT_EQ(chronicle_.refusals().size(), 1U);
    EXPECT_FALSE(chronicle_.own_refusal());
    EXPECT_EQ(kinds(), "refused ");
    chronicle_.note(view_of(5, {1, 2}));
    EXPECT_TRUE(chronicle_.refusals().empty());
}

TEST_F(Written, ItsOwnRefusalIsRemembered) {
    chronicle_.note(refusal(1, Refusal::Cause::kNodeIdTaken));
    EXPECT_EQ(chronicle_.own_refusal(), Refusal::Cause::kNodeIdTaken);
}

TEST_F(Written, TheReasonAgainstALevelIsTakenOnce) {
    chronicle_.note(LevelRefused{"n2 does not speak it"});
    EXPECT_EQ(chronicle_.take_level_refusal(), "n2 does not speak it");
    EXPECT_EQ(chronicle_.take_level_refusal(), "");
}

TEST_F(Written, EachHappeningIsAnEventOfItsKind) {
    chronicle_.note(QuorumLost{Epoch(5)});
    chronicle_.note(TakeoverAllowed{Epoch(5), {NodeId(2), Incarnation(0x77)}});
    chronicle_.note(RingChanged{{NodeId(2), Incarnation(2)}, 1, true, ""});
    chronicle_.note(RingChanged{{NodeId(2), Incarnation(2)}, 1, false, "it broke"});
    chronicle_.note_draining(true);
    chronicle_.note_draining(false);
    chronicle_.note(Expelled{"the others went on"});
    chronicle_.note(Note{LogLevel::kDebug, "only_for_the_log", ""});
    EXPECT_EQ(kinds(), "quorum_lost takeover_allowed ring_up ring_down drain undrain expelled ");
    const auto recent = events_.recent();
    EXPECT_EQ(recent.at(1).at("incarnation"), "0000000000000077");
    EXPECT_EQ(recent.at(3).at("text"), "ring 1 to node 2: it broke");
}

}  // namespace
}  // namespace quorate::cluster
