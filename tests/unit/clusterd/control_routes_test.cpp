#include <gtest/gtest.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "solo_world.hpp"

namespace quorate::cluster {
namespace {

namespace json = boost::json;

constexpr std::uint32_t kSomebody = 998;

class Routes : public ::testing::Test {
protected:
    // "status code" of a refusal, "status" of an answer.
    std::string told(const std::string& method, const std::string& target,
                     const std::string& body = "", std::uint32_t uid = 0) {
        return words(world_.ask(method, target, body, uid));
    }
    static std::string words(const io::ControlResponse& response) {
        auto text = std::to_string(response.status);
        const auto* object = response.body.if_object();
        const auto* error = object == nullptr ? nullptr : object->if_contains("error");
        return error == nullptr ? text : text + " " + std::string(error->at("code").as_string());
    }

    SoloWorld world_;
};

TEST_F(Routes, Status) {
    const auto status = world_.ask("GET", "/v1/status").body;
    EXPECT_EQ(status.at("daemon"), "clusterd");
    EXPECT_EQ(status.at("membership"), "solo");
    EXPECT_EQ(status.at("state"), "running");
    EXPECT_EQ(status.at("members"), 1);
    EXPECT_EQ(status.at("commands_enabled"), false);
    world_.context->stopping = true;
    EXPECT_EQ(world_.ask("GET", "/v1/status").body.at("state"), "stopping");
}

TEST_F(Routes, TheClusterAsThisNodeSeesIt) {
    const auto shown = world_.ask("GET", "/v1/cluster").body;
    EXPECT_EQ(json::serialize(shown.at("votes")),
              R"({"total":1,"expected":0,"quorum":1,"disk":0,"device_problem":""})");
    EXPECT_EQ(shown.at("members").at(0).at("incarnation"), "00000000000000a1");
    EXPECT_EQ(shown.at("members").at(0).at("status"), "member");
    EXPECT_EQ(shown.at("lease").at("state"), "running");
    EXPECT_TRUE(shown.at("lease").at("remaining_ms").is_null()) << "it never ends";
    const auto now = shown.at("time").to_number<std::int64_t>();
    EXPECT_GT(now, 1'700'000'000);
    EXPECT_GT(shown.at("formed").to_number<std::int64_t>(), now - 60);
    EXPECT_LE(shown.at("formed").to_number<std::int64_t>(), now);
    for (const auto* empty : {"circuits", "links", "takeovers", "fencers", "refusals"}) {
        EXPECT_EQ(json::serialize(shown.at(empty)), "[]") << empty;
    }
}

TEST_F(Routes, DrainingIsKeptAndSeen) {
    EXPECT_EQ(told("POST", "/v1/drain"), "200");
    EXPECT_EQ(world_.ask("GET", "/v1/cluster").body.at("members").at(0).at("draining"), true);
    EXPECT_TRUE(*world_.floor.load_draining());
    EXPECT_EQ(told("POST", "/v1/undrain"), "200");
    EXPECT_FALSE(*world_.floor.load_draining());
}

TEST_F(Routes, WhatNeedsCorosyncIsRefusedWithoutIt) {
    EXPECT_EQ(told("POST", "/v1/cluster/expected-votes", R"({"votes": 3})"), "409 refused");
    EXPECT_EQ(told("POST", "/v1/cluster/nodes", "{}"), "409 refused");
    EXPECT_EQ(told("DELETE", "/v1/cluster/nodes/one"), "409 refused");
    EXPECT_EQ(told("PATCH", "/v1/cluster/nodes/one", R"({"votes": 0})"), "409 refused");
}

TEST_F(Routes, ALevelThatIsNotSpokenIsRefusedByName) {
    EXPECT_EQ(told("POST", "/v1/cluster/level", R"({"level": 1})"), "409 refused")
        << "active already";
    const auto refused = world_.ask("POST", "/v1/cluster/level", R"({"level": 2})");
    EXPECT_EQ(words(refused), "409 refused");
    EXPECT_NE(json::serialize(refused.body).find("one"), std::string::npos);
}

TEST_F(Routes, BreaksOfARingAreCountedForOneLifeOfAPeer) {
    const MemberId peer{NodeId(3), Incarnation(0x33)};
    for (const bool up : {true, false, true, false}) {
        world_.chronicle.note(RingChanged{peer, 1, up, "timed out"});
    }
    EXPECT_EQ(world_.chronicle.breaks(peer, 1), 2U);
    EXPECT_EQ(world_.chronicle.breaks(peer, 0), 0U);
    EXPECT_EQ(world_.chronicle.breaks({NodeId(3), Incarnation(0x34)}, 1), 0U);
    world_.chronicle.note(ViewCommitted{*world_.machine.view()});
    EXPECT_EQ(world_.chronicle.breaks(peer, 1), 0U) << "it is no member any more";
}

TEST(RaisingTheLevel, IsAnEventWithWhoAskedForIt) {
    const MemberId earlier{NodeId(1), Incarnation(7)};
    SoloWorld world({1, 2}, Floor{Epoch(4), {Epoch(4), /*level=*/1, {earlier}}});
    ASSERT_EQ(world.ask("GET", "/v1/cluster").body.at("level"), 1) << "an upgrade raises nothing";
    EXPECT_EQ(world.ask("POST", "/v1/cluster/level", R"({"level": 2})", kSomebody).status, 403U);
    EXPECT_EQ(world.ask("POST", "/v1/cluster/level", R"({"level": 2})").status, 200U);
    const auto event = world.events.recent().back().as_object();
    EXPECT_EQ(event.at("kind"), "level");
    EXPECT_EQ(event.at("text"), "the protocol level is raised from 1 to 2; asked by uid 0");
    EXPECT_EQ(event.at("uid"), 0);
}

TEST_F(Routes, FieldsThatAreMissingOrOfTheWrongTypeAreTheCallersMistake) {
    for (const auto* body : {"", R"({"level": 65536})", R"({"level": []})"}) {
        EXPECT_EQ(told("POST", "/v1/cluster/level", body), "400 bad_request") << body;
    }
    for (const auto* body : {R"({"count": 0})", R"({"bytes": 65537})", R"({"count": "1"})"}) {
        EXPECT_EQ(told("POST", "/v1/nodes/one/ping", body), "400 bad_request") << body;
    }
    EXPECT_EQ(told("GET", "/v1/events?since=x"), "400 bad_request");
    EXPECT_EQ(told("POST", "/v1/cluster/level", "[1]"), "400 bad_json");
    EXPECT_EQ(told("POST", "/v1/nodes/one/commands"), "400 bad_request");
    EXPECT_EQ(told("POST", "/v1/nodes/one/commands", R"({"words": 1})"), "400 bad_request");
    EXPECT_EQ(told("POST", "/v1/nodes/one/commands", R"({"words": ["id"]})"), "403 disabled");
}

TEST_F(Routes, CommandsAreOffUnlessTheyAreOn) {
    EXPECT_EQ(told("POST", "/v1/commands", R"({"words": ["id"]})"), "403 disabled");
    EXPECT_EQ(told("POST", "/v1/commands", R"({"words": ["id"]})", kSomebody), "403 forbidden");
    EXPECT_EQ(told("POST", "/v1/nodes/one/commands", R"({"words": ["id"]})", kSomebody),
              "403 forbidden");
}

TEST_F(Routes, AnotherNodeIsAskedByNameAndOnlyARootForWhatIsRoots) {
    EXPECT_EQ(world_.ask("GET", "/v1/nodes/one/status").body.at("node"), "one");
    EXPECT_EQ(told("GET", "/v1/nodes/two/status"), "404 no_such_node");
    EXPECT_EQ(told("GET", "/v1/nodes/one/nothing"), "404 no_such_path");
    for (const auto* what : {"cluster/nodes/one", "fencers/rados", "fencers/rados?force=true"}) {
        EXPECT_EQ(told("DELETE", std::string("/v1/nodes/one/") + what, "", kSomebody),
                  "403 forbidden")
            << what;
    }
    EXPECT_EQ(told("GET", "/v1/nodes/one/fencers", "", kSomebody), "200");
}

TEST_F(Routes, PeersGetOnlyWhatIsTheirs) {
    const auto as_peer = [this](const char* method, const char* target) {
        return words(world_.ask_as_peer({method, target, "", 0, 0}));
    };
    for (const auto* target : {"/v1/status", "/v1/cluster", "/v1/events/recent", "/v1/fencers"}) {
        EXPECT_EQ(as_peer("GET", target), "200") << target;
    }
    for (const auto* target :
         {"/v1/events", "/metrics", "/v1/nodes/one/status", "/v1/fencers/rados/requests"}) {
        EXPECT_EQ(as_peer("GET", target), "404 no_such_path") << target;
    }
    EXPECT_EQ(as_peer("PUT", "/v1/fencers/rados"), "405 method_not_allowed");
    EXPECT_EQ(told("PUT", "/v1/corosync-conf"), "404 no_such_path") << "a peer's alone";
}

TEST_F(Routes, Ping) {
    const auto answer = world_.ask("POST", "/v1/nodes/one/ping", R"({"count": 3, "bytes": 0})");
    EXPECT_EQ(answer.status, 200U);
    EXPECT_EQ(answer.body.at("round_trips_us").as_array().size(), 3U);
}

TEST_F(Routes, EventsAreRecentAndStreamed) {
    world_.events.add("drain", "takes no new work", Epoch(1));
    const auto recent = world_.ask("GET", "/v1/events/recent").body.at("events").as_array();
    ASSERT_FALSE(recent.empty());
    EXPECT_EQ(recent.back().at("kind"), "drain");
    const auto stream = world_.ask("GET", "/v1/events?since=0");
    EXPECT_NE(world_.next_piece(stream).find(R"("kind":"drain")"), std::string::npos);
}

TEST_F(Routes, AFencerIsItsOwnersAndRoots) {
    EXPECT_EQ(told("PUT", "/v1/fencers/rados", "", kSomebody), "201");
    EXPECT_EQ(told("PUT", "/v1/fencers/rados", "", kSomebody), "200");
    EXPECT_EQ(told("PUT", "/v1/fencers/rados"), "200");
    for (const auto& [method, target] :
         {std::pair("PUT", "/v1/fencers/rados"), std::pair("DELETE", "/v1/fencers/rados"),
          std::pair("GET", "/v1/fencers/rados/requests"),
          std::pair("POST", "/v1/fencers/rados/confirmed")}) {
        EXPECT_EQ(told(method, target, "", kSomebody + 1), "403 forbidden") << target;
    }
    EXPECT_EQ(told("POST", "/v1/fencers/rados/confirmed", R"({"node_id": 3, "incarnation": "1"})",
                   kSomebody),
              "403 forbidden")
        << "without the session only root speaks for it";
    EXPECT_EQ(told("DELETE", "/v1/fencers/rados?force=true", "", kSomebody), "403 forbidden");
    EXPECT_EQ(told("DELETE", "/v1/fencers/rados", "", kSomebody), "200");
    EXPECT_EQ(told("DELETE", "/v1/fencers/rados"), "404 no_such_fencer");
}

TEST_F(Routes, AFencersStreamGivesTheSessionThatConfirms) {
    const MemberId lost{NodeId(3), Incarnation(0x77)};
    ASSERT_EQ(told("PUT", "/v1/fencers/rados"), "201");
    world_.fencers->ask({"rados", lost, Epoch(9)});
    auto stream = world_.ask("GET", "/v1/fencers/rados/requests");
    const auto greeting = world_.next_piece(stream);
    const auto session = json::parse(greeting.substr(0, greeting.find('\n'))).at("session");
    EXPECT_EQ(told("GET", "/v1/fencers/rados/requests"), "409 attached");
    EXPECT_EQ(told("DELETE", "/v1/fencers/rados"), "409 unconfirmed");
    json::object body{{"node_id", 3}, {"incarnation", "77"}, {"session", "1"}};
    EXPECT_EQ(told("POST", "/v1/fencers/rados/confirmed", json::serialize(body)),
              "409 not_attached");
    body["session"] = session;
    EXPECT_EQ(told("POST", "/v1/fencers/rados/confirmed", json::serialize(body)), "200");
    EXPECT_EQ(told("POST", "/v1/fencers/rados/confirmed", json::serialize(body)), "409 not_asked");
    stream = io::ControlResponse();
    EXPECT_EQ(world_.ask("GET", "/v1/fencers").body.at("fencers").at(0).at("state"), "absent");
    body["session"] = session;
    EXPECT_EQ(told("POST", "/v1/fencers/rados/confirmed", json::serialize(body)),
              "409 not_attached");
}

}  // namespace
}  // namespace quorate::cluster
