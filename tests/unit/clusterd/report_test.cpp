#include "cluster_report.hpp"

#include <gtest/gtest.h>
#include <boost/json/serialize.hpp>

#include "io/metrics.hpp"
#include "metrics.hpp"
#include "solo_world.hpp"

namespace quorate::cluster {
namespace {

namespace json = boost::json;

Member member(std::uint32_t node) {
    Member member;
    member.id = {NodeId(node), Incarnation(0xa0 + node)};
    member.name = "n" + std::to_string(node);
    member.votes = 1;
    member.levels = {1, 2};
    return member;
}

class Report : public ::testing::Test {
protected:
    Report() {
        status_.self = {NodeId(1), Incarnation(0xa1)};
        status_.lease.state = LeaseState::kRunning;
        status_.quorate = true;
        status_.view.emplace();
        status_.view->members = {member(1), member(2)};
        status_.view->quorum = 2;
        nodes_.set_configured({{"n1", 1, {}, 1}, {"n2", 2, {}, 1}, {"n4", 4, {}, 1}});
    }
    ReportSources sources() const {
        return {config_, status_, findings_, chronicle_, nodes_,
                desk_,   nullptr, "5f0c",    stopping_,  0};
    }
    std::string state() const {
        const auto text = state_of(sources());
        return text.state + ": " + text.reason;
    }
    std::string statuses() const {
        std::string text;
        const auto report = report_cluster(sources());
        for (const auto& row : report.at("members").as_array()) {
            text += std::string(row.at("name").as_string()) + " " +
                    std::string(row.at("status").as_string()) + "; ";
        }
        return text;
    }

    boost::asio::io_context io_{1};
    Config config_;
    MachineStatus status_;
    Survey::Findings findings_;
    io::ControlRouter peers_;
    Nodes nodes_{io_, nullptr, peers_, {"n1", ""}};
    EventLog events_{io_};
    Chronicle chronicle_{{NodeId(1), Incarnation(0xa1)}, events_, nodes_};
    FencerDesk desk_;
    bool stopping_ = false;
};

TEST_F(Report, TheStateAndWhyInTheOrderOfWeight) {
    EXPECT_EQ(state(), "running: ");
    status_.lease.state = LeaseState::kStalled;
    status_.lease.reason = "no quorum";
    EXPECT_EQ(state(), "stalled: no quorum");
    status_.forming = {NodeId(2), NodeId(9)};
    EXPECT_EQ(state(), "stalled: no quorum; waits for n2, node 9");
    status_.view.reset();
    EXPECT_EQ(state(), "forming: waits for n2, node 9");
    status_.forming.clear();
    EXPECT_EQ(state(), "forming: waits for votequorum");
    status_.expelled = true;
    EXPECT_EQ(state(), "expelled: no quorum");
    stopping_ = true;
    EXPECT_EQ(state(), "stopping: clusterd was asked to stop");
}

TEST_F(Report, EachNodeStandsOnceAsWhatItIs) {
    TakeoverStatus takeover;
    takeover.lost = {NodeId(3), Incarnation(0x77)};
    takeover.name = "n3";
    takeover.waiting_for = "fencer rados of n2";
    auto own_old_life = takeover;
    own_old_life.lost = {NodeId(2), Incarnation(0x66)};
    own_old_life.name = "n2";
    status_.takeovers = {takeover, own_old_life};
    EXPECT_EQ(statuses(), "n1 member; n2 member; n3 lost; n4 absent; ");
    Refusal refusal;
    refusal.node = NodeId(4);
    refusal.name = "n4";
    chronicle_.note(refusal);
    EXPECT_EQ(statuses(), "n1 member; n2 member; n4 refused; n3 lost; ");
    EXPECT_EQ(json::serialize(report_cluster(sources()).at("takeovers").at(0)),
              R"({"node":"n3","node_id":3,"incarnation":"0000000000000077",)"
              R"("waiting_for":"fencer rados of n2"})");
}

TEST_F(Report, AnExpelledNodeShowsNobodyAsAMember) {
    status_.expelled = true;
    EXPECT_EQ(statuses(), "n1 absent; n2 absent; n4 absent; ");
}

TEST_F(Report, VotesAreTheViewsOrElseCorosyncs) {
    status_.view->disk_votes = 1;
    status_.expected_votes = 4;
    EXPECT_EQ(json::serialize(report_cluster(sources()).at("votes")),
              R"({"total":3,"expected":4,"quorum":2,"disk":1,"device_problem":""})");
    status_.view.reset();
    findings_.votes.emplace();
    findings_.votes->total_votes = 7;
    findings_.votes->quorum = 4;
    EXPECT_EQ(json::serialize(report_cluster(sources()).at("votes")),
              R"({"total":7,"expected":4,"quorum":4,"disk":0,"device_problem":""})");
}

TEST_F(Report, CircuitsAndTheirRings) {
    CircuitStatus circuit;
    circuit.peer = {NodeId(2), Incarnation(0xa2)};
    circuit.name = "n2";
    circuit.open = true;
    RingStatus up;
    up.address = "192.0.2.2:5410";
    up.up = up.carries = true;
    up.round_trip = std::chrono::microseconds(80);
    RingStatus down;
    down.ring = 1;
    down.problem = "it broke";
    circuit.rings = {up, down};
    status_.circuits = {circuit};
    const auto report = report_cluster(sources());
    const auto& row = report.at("circuits").at(0);
    EXPECT_EQ(row.at("state"), "open");
    EXPECT_EQ(json::serialize(row.at("rings")),
              R"([{"ring":0,"address":"192.0.2.2:5410","state":"up","problem":"",)"
              R"("round_trip_us":80,"carries":true,"breaks":0},)"
              R"({"ring":1,"address":"","state":"down","problem":"it broke",)"
              R"("round_trip_us":null,"carries":false,"breaks":0}])");
}

TEST(MetricsText, SaysWhatTheMachineAndTheDeskSay) {
    SoloWorld world;
    const PeerListener listener({}, nullptr, world.peers, world.nodes, {});
    add_metrics(world.metrics, world.machine, listener, world.chronicle);
    world.ask("PUT", "/v1/fencers/rados");
    world.fencers->ask({"rados", {NodeId(3), Incarnation(3)}, Epoch(9)});
    const auto text = world.ask("GET", "/metrics").text;
    for (const std::string line :
         {"clusterd_members 1", "clusterd_quorate 1", "clusterd_lease_running 1",
          "clusterd_takeovers_waiting 0", "clusterd_peer_refusals_total 0",
          R"(clusterd_fencer_attached{fencer="rados"} 0)",
          R"(clusterd_fencer_unconfirmed{fencer="rados"} 1)", "# EOF"}) {
        EXPECT_NE(text.find(line + "\n"), std::string::npos) << line << " in\n" << text;
    }
}

}  // namespace
}  // namespace quorate::cluster
