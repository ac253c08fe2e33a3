#include "conf_change.hpp"

#include <optional>
#include <vector>

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>

#include "cluster/errc.hpp"
#include "node_addition.hpp"

namespace quorate::cluster {
namespace {

namespace json = boost::json;

std::string conf_text(const std::vector<std::string>& names) {
    std::string text =
        "totem {\n  version: 2\n  cluster_name: demo\n  transport: knet\n}\n"
        "quorum {\n  provider: corosync_votequorum\n  two_node: 1\n}\nnodelist {\n";
    unsigned id = 1;
    for (const auto& name : names) {
        text += "  node {\n    name: " + name + "\n    nodeid: " + std::to_string(id) +
                "\n    ring0_addr: 192.0.2." + std::to_string(id) + "\n  }\n";
        ++id;
    }
    return text + "}\n";
}

ConfFile::Text file_of(const std::vector<std::string>& names) {
    const auto text = conf_text(names);
    auto conf = CorosyncConf::parse(text, "corosync.conf");
    EXPECT_TRUE(conf) << conf.error().detail;
    return {text, std::move(*conf)};
}

// This node answers; no other can be reached. So a change never gets as far as Corosync.
class Change : public ::testing::Test {
protected:
    Change() {
        router_.route("PUT", "/v1/corosync-conf",
                      [this](io::ControlRequest request) { return put(std::move(request)); });
    }
    boost::asio::awaitable<io::ControlResponse> put(io::ControlRequest request) {
        puts_.push_back(std::string(request.body.at("text").as_string()));
        EXPECT_EQ(request.body.at("replaces").as_string(),
                  sha256(puts_.size() % 2 == 1 ? before_ : "new"));
        co_return answer_;
    }
    Status make(ConfChange::Wanted wanted) {
        before_ = wanted.old.text;
        std::optional<Status> made;
        boost::asio::co_spawn(io_, change_.make(wanted),
                              [&](const std::exception_ptr&, Status status) { made = status; });
        io_.restart();
        io_.run_for(std::chrono::seconds(30));
        return made.value();
    }

    boost::asio::io_context io_{1};
    io::ThreadPool workers_{io_, {"workers", 1, 10}};
    io::ControlRouter router_;
    Nodes nodes_{io_, nullptr, router_, {"n1", "5410"}};
    ConfChange change_{nodes_, workers_};
    std::string before_;
    std::vector<std::string> puts_;
    io::ControlResponse answer_;
};

TEST_F(Change, WhereOneCannotBeReachedWhatWasDoneIsUndone) {
    const auto made = make({file_of({"n1", "n2"}), "new", ""});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, errc::refused);
    EXPECT_NE(made.error().detail.find("n2 does not answer"), std::string::npos);
    EXPECT_NE(made.error().detail.find("nothing is changed on any node"), std::string::npos);
    EXPECT_EQ(puts_, (std::vector<std::string>{"new", before_}));
}

TEST_F(Change, ARefusalIsToldWithItsReason) {
    answer_ = io::ControlResponse::error(409, "refused", "the file differs");
    const auto made = make({file_of({"n1", "n2"}), "new", ""});
    ASSERT_FALSE(made);
    EXPECT_NE(made.error().detail.find("n1 refuses: the file differs"), std::string::npos);
}

TEST_F(Change, AnAnswerWithoutAReasonIsShownAsItIs) {
    answer_ = io::ControlResponse();
    answer_.status = 500;
    answer_.body = json::object{{"odd", true}};
    const auto made = make({file_of({"n1"}), "new", ""});
    ASSERT_FALSE(made);
    EXPECT_NE(made.error().detail.find("odd"), std::string::npos);
}

TEST_F(Change, ADigestIsWhatSha256SumSays) {
    EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

// ---- additions

json::object addition() { return {{"name", "n3"}, {"addresses", json::array{"192.0.2.3"}}}; }

TEST(Addition, TakesTheNextIdOneVoteAndEndsTwoNode) {
    const auto planned = plan_addition(addition(), file_of({"n1", "n2"}));
    ASSERT_TRUE(planned->possible) << planned->possible.error().detail;
    EXPECT_EQ(planned->node.id, 3U);
    EXPECT_EQ(planned->node.votes, 1U);
    EXPECT_EQ(planned->text.find("two_node"), std::string::npos);
    const auto made = CorosyncConf::parse(planned->text, "corosync.conf");
    ASSERT_TRUE(made);
    EXPECT_EQ(made->nodes().back(), planned->node);
    EXPECT_EQ(planned->wanted.text, planned->text);
}

TEST(Addition, WhatIsSaidCounts) {
    auto body = addition();
    body["node_id"] = 9;
    body["votes"] = 0;
    const auto planned = plan_addition(body, file_of({"n1", "n2"}));
    ASSERT_TRUE(planned->possible);
    EXPECT_EQ(planned->node.id, 9U);
    EXPECT_EQ(planned->node.votes, 0U);
}

TEST(Addition, WhatDoesNotFitIsImpossible) {
    for (const auto& [key, value] :
         {std::pair("name", json::value("n1")), std::pair("node_id", json::value(2)),
          std::pair("addresses", json::value(json::array{"192.0.2.1"})),
          std::pair("addresses", json::value(json::array{"192.0.2.3", "192.0.2.4"})),
          std::pair("name", json::value("n3\n}")), std::pair("name", json::value(""))}) {
        auto body = addition();
        body[key] = value;
        EXPECT_FALSE(plan_addition(body, file_of({"n1", "n2"}))->possible) << key;
    }
}

}  // namespace
}  // namespace quorate::cluster
